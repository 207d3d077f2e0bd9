#include "collector/journal/unsynced.hpp"

#include <algorithm>

namespace arbiter::journal {
namespace {

// Whether the segment has all the frames that were written before `table`.
bool reaches(const OpenedRaw& before, const Table& table) {
  const RawSegment& s = before.segment;
  FrameStream frames(*s.file, s.header.key, s.end, s.size, s.previous);
  std::uint64_t last = before.table.last_frame;
  while (last < table.last_frame) {
    const auto frame = frames.next();
    if (!frame || frame->header.number != last + 1) return false;
    ++last;
  }
  return true;
}

}  // namespace

std::optional<std::uint64_t> first_unsynced(const std::map<std::uint64_t, OpenedRaw>& raw, const std::set<std::uint64_t>& torn,
                                            std::uint64_t synced_upto) {
  for (const auto& [index, opened] : raw)
    if (opened.segment.header.settled == settled_word(opened.segment.header.key)) synced_upto = std::max(synced_upto, index);
  std::set<std::uint64_t> later(torn.upper_bound(synced_upto), torn.end());
  for (auto it = raw.upper_bound(synced_upto); it != raw.end(); ++it) later.insert(it->first);
  for (const std::uint64_t index : later) {
    if (torn.contains(index)) return index;
    const Table& table = raw.at(index).table;
    if (const auto before = raw.find(table.previous_segment); before != raw.end() && !reaches(before->second, table)) return index;
  }
  return std::nullopt;
}

}  // namespace arbiter::journal
