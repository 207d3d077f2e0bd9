// Retention, and the files that go with it.
#include <algorithm>
#include <limits>

#include "collector/journal/state.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {

EventKey Journal::State::age_edge() const {
  if (!options_.retention.max_age || now_ns_ == std::numeric_limits<std::int64_t>::min()) return kBeforeAll;
  std::int64_t oldest;
  if (__builtin_sub_overflow(now_ns_, options_.retention.max_age->count(), &oldest)) return kBeforeAll;
  return {oldest, {}, 0};
}

void Journal::State::retain(std::int64_t now_ns) {
  absorb();
  retire_read();
  now_ns_ = now_ns;
  const EventKey by_age = age_edge();
  if (retained_.advance(by_age)) edge_moved_ = true;
  edges_.raise(by_age);
  if (const auto max = options_.retention.max_events; max && retained_.events() > *max) {
    edges_.raise(retained_.trim(*max));
    retained_.advance(edges_.edge());
    edge_moved_ = true;
    ARBITER_TESTPOINT("retention.trimmed");
  }
  enforce_bytes();
  dispose_dead();
  bind_edge();
}

// A limit puts an event out on arrival if it would put it out at the next retain(): it is too old, or the store is full of newer ones.
void Journal::State::bind_edge() {
  binding_ = std::min(age_edge(), edges_.edge());
  if (options_.retention.max_events && retained_.events() >= *options_.retention.max_events) binding_ = edges_.edge();
}

void Journal::State::set_retention(const Retention& retention) {
  options_.retention = retention;
  bind_edge();
}

void Journal::State::forget_events() {
  for (auto& [index, segment] : segments_)
    for (Block& block : segment.blocks) retained_.drop(block);
}

// --- files

std::uint64_t Journal::State::disk_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [index, segment] : segments_) sum += segment.disk_bytes;
  for (const auto& [path, bytes] : spares_) sum += bytes;
  for (const StillRead& raw : still_read_) sum += raw.bytes;
  if (next_ != nullptr) sum += next_->bytes();
  return sum;
}

// Whole segments leave, oldest first. The file may stay a little longer (see dispose_dead), but counts as gone.
void Journal::State::enforce_bytes() {
  if (!options_.retention.max_bytes) return;
  const std::uint64_t max = *options_.retention.max_bytes;
  std::uint64_t bytes = disk_bytes();
  // Where that is a small part of the limit, one spare stays, or the room for it: the limit holds while the next segment is made, and that
  // is made of a file whose pages are there.
  const bool reserves = max / 4 >= options_.segment_bytes;
  if (reserves && spares_.empty() && next_ == nullptr) bytes += options_.segment_bytes;
  for (; bytes > max && spares_.size() > (reserves ? 1 : 0); spares_.pop_back()) {
    remove_file(spares_.back().first);
    ARBITER_TESTPOINT("retention.spare_gone");
    bytes -= spares_.back().second;
  }
  for (auto it = segments_.begin(); bytes > max && std::next(it) != segments_.end(); ++it) {
    for (Block& block : it->second.blocks) retained_.drop(block);
    ARBITER_TESTPOINT("retention.segment_dropped");
    bytes -= it->second.disk_bytes;
  }
}

// Removes segments of which nothing is retained. One that is being sealed waits for that; a sealed one goes once its link is in the
// journal (and synced, where that is the policy: else a power cut would leave a broken chain), unless there is no room to write it: then
// room comes first.
void Journal::State::dispose_dead() {
  disposal_due_ = false;
  const std::uint64_t safe = syncer_.syncs() ? syncer_.durable_frame() : last_frame_;
  for (auto it = segments_.begin(); std::next(it) != segments_.end();) {
    Segment& s = it->second;
    if (s.disposable() && s.sealing && background_.cancel(s.index)) s.sealing = false;
    if (!s.disposable() || s.sealing) {
      ++it;
      continue;
    }
    if (s.state == SegmentState::sealed && s.anchor_frame == 0) {
      frame_.anchor(s.index, s.link);
      ARBITER_TESTPOINT("retention.anchored");
      s.anchor_frame = last_frame_ + 1;
    }
    if (s.state == SegmentState::sealed && s.anchor_frame > (write_failing_ ? last_frame_ : safe) && !out_of_room_) {
      disposal_due_ = true;
      ++it;
    } else {
      it = dispose(it);
    }
  }
  const auto oldest =
      std::find_if(segments_.begin(), segments_.end(), [](const auto& s) { return s.second.first_frame <= s.second.last_frame; });
  edges_.forget_before(oldest == segments_.end() ? last_frame_ + 1 : oldest->second.first_frame);
}

Segments::iterator Journal::State::dispose(Segments::iterator it) {
  Segment& s = it->second;
  if (s.state == SegmentState::sealed) {
    // The raw one first: alone it would be taken for the segment at the next start.
    std::erase_if(still_read_, [&](const StillRead& raw) {
      if (raw.index == s.index) remove_file(raw.path);
      return raw.index == s.index;
    });
    remove_file(s.path);
  } else {
    retire_raw(s.path, s.disk_bytes, s.file.use_count() != 1);
  }
  ARBITER_TESTPOINT("retention.segment_gone");
  syncer_.settled(s.index, s.last_frame);
  background_.close(std::move(s.file));
  return segments_.erase(it);
}

// A raw file becomes a spare, unless somebody still reads it.
bool Journal::State::retire_raw(const std::string& path, std::uint64_t bytes, bool in_use) {
  if (!in_use && bytes == options_.segment_bytes && spares_.size() < kSparesMax) {
    std::string spare;
    for (unsigned n = 0; n < kSparesMax; ++n) {
      spare = options_.directory + "/" + spare_name(n);
      if (std::none_of(spares_.begin(), spares_.end(), [&](const auto& s) { return s.first == spare; })) break;
    }
    if (rename_file(path, spare)) {
      ARBITER_TESTPOINT("recycle.spare_made");
      spares_.emplace_back(spare, bytes);
      return true;
    }
  }
  remove_file(path);
  ARBITER_TESTPOINT("recycle.raw_gone");
  return false;
}

void Journal::State::retire_read() {
  std::erase_if(still_read_, [this](StillRead& raw) {
    if (raw.file.use_count() != 1) return false;
    if (!retire_raw(raw.path, raw.bytes, false)) background_.close(std::move(raw.file));
    return true;
  });
}

std::optional<std::string> Journal::State::take_spare() {
  retire_read();
  if (spares_.empty()) return std::nullopt;
  std::string path = spares_.back().first;
  spares_.pop_back();
  return path;
}

}  // namespace arbiter::journal
