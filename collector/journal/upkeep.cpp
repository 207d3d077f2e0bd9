// Retention, and the files that go with it.
#include <algorithm>
#include <limits>

#include "collector/journal/state.hpp"

namespace arbiter::journal {

EventKey Journal::State::age_edge() const {
  if (!options_.retention.max_age || now_ns_ == std::numeric_limits<std::int64_t>::min()) return kBeforeAll;
  std::int64_t oldest;
  if (__builtin_sub_overflow(now_ns_, options_.retention.max_age->count(), &oldest)) return kBeforeAll;
  return {oldest, {}, 0};
}

void Journal::State::retain(std::int64_t now_ns) {
  now_ns_ = now_ns;
  const EventKey by_age = age_edge();
  if (retained_.advance(by_age)) edge_moved_ = true;
  edges_.raise(by_age);
  if (const auto max = options_.retention.max_events; max && retained_.events() > *max) {
    edges_.raise(retained_.trim(*max));
    retained_.advance(edges_.edge());
    edge_moved_ = true;
  }
  dispose_dead();
  enforce_bytes();
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

Result<void> Journal::State::clear() {
  if (auto before = commit(); !before) return before;
  frame_.clear(retained_.events(), unix_now_ns());
  clearing_ = true;
  if (auto written = write_frame(); !written) return written;
  for (const auto& [path, bytes] : spares_) remove_file(path);
  spares_.clear();
  rotate_or_grow();
  for (auto it = segments_.begin(); std::next(it) != segments_.end();) {  // what was cleared is not to lie in a spare file either
    remove_file(it->second.path);
    it = segments_.erase(it);
  }
  edges_.forget_before(last_frame_ + 1);
  bind_edge();
  return {};
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
  return sum;
}

void Journal::State::enforce_bytes() {
  if (!options_.retention.max_bytes) return;
  while (disk_bytes() > *options_.retention.max_bytes) {
    if (!spares_.empty()) {
      remove_file(spares_.back().first);
      spares_.pop_back();
    } else if (segments_.size() > 1) {
      for (Block& block : segments_.begin()->second.blocks) retained_.drop(block);
      dispose(segments_.begin(), false);
    } else {
      break;
    }
  }
}

void Journal::State::dispose_dead() {
  for (auto it = segments_.begin(); std::next(it) != segments_.end();) it = it->second.disposable() ? dispose(it, true) : std::next(it);
  const auto oldest =
      std::find_if(segments_.begin(), segments_.end(), [](const auto& s) { return s.second.first_frame <= s.second.last_frame; });
  edges_.forget_before(oldest == segments_.end() ? last_frame_ + 1 : oldest->second.first_frame);
}

// A raw file becomes a spare, unless somebody still reads it.
Segments::iterator Journal::State::dispose(Segments::iterator it, bool recycle) {
  Segment& s = it->second;
  recycle = recycle && s.state != SegmentState::sealed && s.file.use_count() == 1 && s.disk_bytes == options_.segment_bytes &&
            spares_.size() < kSparesMax;
  if (recycle) {
    std::string path;
    for (unsigned n = 0; n < kSparesMax; ++n) {
      path = options_.directory + "/" + spare_name(n);
      if (std::none_of(spares_.begin(), spares_.end(), [&](const auto& spare) { return spare.first == path; })) break;
    }
    recycle = rename_file(s.path, path).has_value();
    if (recycle) spares_.emplace_back(path, s.disk_bytes);
  }
  if (!recycle) remove_file(s.path);
  return segments_.erase(it);
}

std::optional<std::string> Journal::State::take_spare() {
  if (spares_.empty()) return std::nullopt;
  std::string path = spares_.back().first;
  spares_.pop_back();
  return path;
}

}  // namespace arbiter::journal
