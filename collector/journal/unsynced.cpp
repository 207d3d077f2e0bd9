#include "collector/journal/unsynced.hpp"

#include <algorithm>

namespace arbiter::journal {
namespace {

// Whether the segment has all the frames that were written before `table`.
Result<bool> reaches(const OpenedRaw& before, const Table& table) {
  const RawSegment& s = before.segment;
  FrameStream frames(s, s.end, s.size, s.previous);
  std::uint64_t last = before.table.last_frame;
  while (last < table.last_frame) {
    const auto frame = frames.next();
    if (frames.failed()) return frames.failed()->while_("reading what is before segment " + std::to_string(table.previous_segment + 1));
    if (!frame || frame->header.number != last + 1) return false;
    ++last;
  }
  return true;
}

}  // namespace

Result<std::optional<std::uint64_t>> first_unsynced(const std::map<std::uint64_t, OpenedRaw>& raw, const std::set<std::uint64_t>& torn,
                                                    std::uint64_t synced_upto) {
  for (const auto& [index, opened] : raw)
    if (opened.segment.header.settled == settled_word(opened.segment.header.key)) synced_upto = std::max(synced_upto, index);
  std::set<std::uint64_t> later(torn.upper_bound(synced_upto), torn.end());
  for (auto it = raw.upper_bound(synced_upto); it != raw.end(); ++it) later.insert(it->first);
  for (const std::uint64_t index : later) {
    if (torn.contains(index)) return std::optional(index);
    const Table& table = raw.at(index).table;
    const auto before = raw.find(table.previous_segment);
    if (before == raw.end()) continue;
    const auto whole = reaches(before->second, table);
    if (!whole) return whole.error();
    if (!*whole) return std::optional(index);
  }
  return std::optional<std::uint64_t>();
}

}  // namespace arbiter::journal
