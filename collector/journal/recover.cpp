// Opening a journal: what is there, the state to go on from, and the index of what is retained.
#include <fcntl.h>

#include <algorithm>
#include <charconv>

#include "collector/journal/scan.hpp"
#include "collector/journal/state.hpp"

namespace arbiter::journal {
namespace {

std::optional<std::uint64_t> index_of(std::string_view name, std::string_view ending) {
  if (name.size() != 20 + ending.size() || !name.ends_with(ending)) return std::nullopt;
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + 20, index);
  if (error != std::errc() || end != name.data() + 20 || index == 0) return std::nullopt;
  return index;
}

std::string hex(const Fingerprint& fingerprint) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : fingerprint) out += {digits[byte >> 4], digits[byte & 15]};
  return out;
}

Error other_key(const std::string& path, const Fingerprint& made_under, const Fingerprint& now) {
  const auto name = [](const Fingerprint& f) {
    return f == Fingerprint{} ? std::string("no anonymisation") : "the key with fingerprint " + hex(f);
  };
  return {path + ": was made under " + name(made_under) + ", not under " + name(now) +
          ": give back the key it was made with, or start on an empty state directory"};
}

}  // namespace

struct Journal::State::Found {
  std::map<std::uint64_t, OpenedRaw> raw;
  std::map<std::uint64_t, ScannedSegment> scanned;
};

Result<void> Journal::State::recover() {
  if (auto made = make_directory(options_.directory); !made) return made;
  Found found;
  if (auto looked = look(found); !looked) return looked;
  if (found.raw.empty()) {
    created_unix_ns_ = collection_started_ns_ = unix_now_ns();
    return rotate();
  }
  if (auto loaded = load_state(found); !loaded) return loaded;
  return load_index(found);
}

Result<void> Journal::State::look(Found& found) {
  const auto names = list_directory(options_.directory);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string path = options_.directory + "/" + name;
    if (name.ends_with(".tmp")) {
      remove_file(path);
    } else if (name.starts_with("spare-")) {
      const auto file = File::open(path, O_RDONLY);
      const auto size = file ? (*file)->size() : Result<std::uint64_t>(file.error());
      if (size && *size == options_.segment_bytes && spares_.size() < kSparesMax)
        spares_.emplace_back(path, *size);
      else
        remove_file(path);
    } else if (const auto index = index_of(name, ".journal")) {
      auto opened = open_raw_segment(path);
      if (opened) {
        const RawHeader& h = opened->segment.header;
        if (h.fingerprint != options_.key_fingerprint) return other_key(path, h.fingerprint, options_.key_fingerprint);
        if (h.index != *index) return Error{path + ": is segment " + std::to_string(h.index) + " by its header: give it its name back"};
        found.raw.emplace(*index, std::move(*opened));
      } else if (opened.error().code != 0) {
        return opened.error();
      } else {
        last_failure_ = opened.error().message;
        damage_->note(*index, 0);
        if (const auto aside = rename_file(path, path + ".damaged"); !aside) return aside;
      }
    }
  }
  return {};
}

// The newest segment's table, then its frames.
Result<void> Journal::State::load_state(Found& found) {
  auto& [index, newest] = *found.raw.rbegin();
  Table& t = newest.table;
  last_frame_ = t.last_frame;
  edges_.restore(t.edge, std::move(t.eras));
  lifetime_ = std::move(t.lifetime);
  for (const auto& [name, n] : lifetime_.generic_by_type) names_.name(name);
  cleared_ = t.cleared;
  created_unix_ns_ = t.created_unix_ns;
  collection_started_ns_ = t.collection_started_ns;
  last_updated_ns_ = t.last_updated_ns;
  closed_ = t.closed;
  anchors_ = std::move(t.anchors);
  for (const auto& [lane, cursor] : t.lanes) lanes_[lane] = {cursor, cursor, true, false, false};
  if (!participant_.load(t.participant))
    return Error{options_.directory + "/" + raw_name(index) +
                 ": the state of the open executions in it cannot be read: it is of another version"};

  found.scanned[index] = scan_raw(newest.segment, t.last_frame, 0, names_, [&](const Frame& frame, const Summary& arrived) {
    if ((frame.header.flags & kClears) != 0) participant_.replay_clear();
    std::int64_t stamp = std::numeric_limits<std::int64_t>::min();
    const bool all_arrived = arrived.events == frame.header.events;
    Totals totals;
    each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
      stamp = std::max(stamp, static_cast<std::int64_t>(stored.stamp));
      if (!all_arrived) totals.add(stored, names_.find(generic_word(stored)));
      participant_.replay(lane, stored, {lane, stored.sequence, time_of(stored), retention_time_of(stored), {frame.header.number}});
      return true;
    });
    take_in(frame, all_arrived ? arrived.totals : totals, stamp);
  });
  return {};
}

Result<void> Journal::State::load_index(Found& found) {
  for (auto it = found.raw.begin(); it != found.raw.end(); ++it) {
    const auto& [index, opened] = *it;
    if (!found.scanned.contains(index)) {
      const auto after = std::next(it);
      const std::uint64_t end =
          after != found.raw.end() && after->second.table.previous_segment == index ? after->second.table.previous_end : 0;
      found.scanned[index] = scan_raw(opened.segment, opened.table.last_frame, end, names_);
    }
    const ScannedSegment& scanned = found.scanned[index];
    Segment& s = segments_[index];
    s.index = index;
    s.state = std::next(it) == found.raw.end() ? SegmentState::active : SegmentState::full;
    s.file = std::make_shared<SegmentFile>(SegmentFile{opened.segment.file, opened.segment.header.key, index, false});
    s.path = options_.directory + "/" + raw_name(index);
    s.created_unix_ns = opened.segment.header.created_unix_ns;
    s.disk_bytes = opened.segment.size;
    s.end = scanned.end;
    s.previous = scanned.previous;
    s.first_frame = scanned.first_frame;
    s.last_frame = scanned.last_frame;
    for (const ScannedBlock& b : scanned.blocks) {
      Block& block = s.blocks.emplace_back(&s, static_cast<std::uint32_t>(s.blocks.size()));
      block.place = b.place;
      block.first_frame = b.first_frame;
      block.last_frame = b.last_frame;
      block.events = b.arrived.events;
      block.kinds = b.arrived.kinds;
      block.min_key = b.arrived.min_key;
      block.max_key = b.arrived.max_key;
      block.min_time_ns = b.arrived.min_time_ns;
      block.max_time_ns = b.arrived.max_time_ns;
      retained_.restore(block, b.arrived.totals, edges_.out_below(b.last_frame));
    }
    for (std::uint64_t gap = 0; gap < scanned.gaps; ++gap) damage_->note(index, 0x80000000u + static_cast<std::uint32_t>(gap));
  }
  for (auto& [index, segment] : segments_)
    for (const ScannedAmendment& a : found.scanned[index].amendments) index_amendment(segment, a.place, a.record, a.duration_ns);
  return {};
}

}  // namespace arbiter::journal
