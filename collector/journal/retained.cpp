#include "collector/journal/retained.hpp"

#include <algorithm>
#include <map>

namespace arbiter::journal {

void Retained::add(Block& block, const Summary& frame, const EventKey& frame_edge, std::span<const std::byte> body) {
  if (frame.events == 0) return;
  if (block.live_events != 0) order_.erase({block.next, &block});
  block.events += frame.events;
  block.kinds |= frame.kinds;
  block.min_key = std::min(block.min_key, frame.min_key);
  block.max_key = std::max(block.max_key, frame.max_key);
  block.min_time_ns = std::min(block.min_time_ns, frame.min_time_ns);
  block.max_time_ns = std::max(block.max_time_ns, frame.max_time_ns);
  block.live += frame.totals;
  block.live_events += frame.events;
  block.segment->live_events += frame.events;
  block.next = std::min(block.next, frame.min_key);
  totals_ += frame.totals;
  events_ += frame.events;
  order_.emplace(block.next, &block);

  if (block.window == nullptr) return;
  Window& w = *block.window;
  each_event(body, [&](const LaneId& lane, const event::Values& stored) {
    const EventKey key = retention_key(lane, stored);
    if (key < frame_edge) return true;  // out on arrival
    if (!w.complete && (w.empty() || w.key(w.entries.back()) < key)) return true;
    const auto at = std::upper_bound(w.entries.begin() + static_cast<std::ptrdiff_t>(w.head), w.entries.end(), key,
                                     [&](const EventKey& k, const Window::Entry& e) { return k < w.key(e); });
    w.entries.insert(at, entry_of(w, lane, stored));
    ++window_entries_;
    return true;
  });
}

Result<void> Retained::restore(Block& block, const Totals& appended, const EventKey& edge) {
  if (block.events == 0 || block.max_key < edge) return {};
  if (!(block.min_key < edge)) {
    block.live = appended;
    block.live_events = block.events;
    block.next = block.min_key;
  } else {
    Summary left;
    const auto whole = each_frame(*block.segment->file, block.place, block.number, buffer_, [&](const Frame& frame) {
      return each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
        if (!(retention_key(lane, stored) < edge)) left.add(lane, stored, names_.find(generic_word(stored)));
        return true;
      });
    });
    if (!whole && whole.error().code != 0) return whole;
    if (!whole) {  // nobody can say which of its events are below the edge
      damage_.note(block.segment->index, block.number);
      return {};
    }
    block.live = left.totals;
    block.live_events = left.events;
    block.next = left.min_key;
  }
  totals_ += block.live;
  events_ += block.live_events;
  block.segment->live_events += block.live_events;
  reinsert(block);
  return {};
}

bool Retained::below(const EventKey& edge) { return !order_.empty() && order_.begin()->first < edge; }

bool Retained::advance(const EventKey& edge) {
  const std::uint64_t before = events_;
  refused_ = false;
  while (!refused_ && below(edge)) {
    Block& block = *order_.begin()->second;
    order_.erase(order_.begin());
    if (block.max_key < edge) {
      leave(block);
      continue;
    }
    std::uint64_t left = block.live_events;
    pop(block, edge, left);
    reinsert(block);
  }
  return events_ != before;
}

EventKey Retained::trim(std::uint64_t max_events) {
  EventKey edge = kBeforeAll;
  refused_ = false;
  while (!refused_ && events_ > max_events) {
    Block& block = *order_.begin()->second;
    order_.erase(order_.begin());
    const EventKey others = order_.empty() ? kAfterAll : order_.begin()->first;  // the oldest of them
    std::uint64_t left = events_ - max_events;
    if (block.live_events <= left && block.max_key < others) {
      edge = std::max(edge, successor(block.max_key));
      leave(block);
      continue;
    }
    edge = std::max(edge, pop(block, block.next < others ? others : successor(others), left));
    reinsert(block);
  }
  return edge;
}

void Retained::drop(Block& block) {
  if (block.live_events == 0) return;
  order_.erase({block.next, &block});
  leave(block);
}

EventKey Retained::pop(Block& block, const EventKey& edge, std::uint64_t& left) {
  EventKey below = kBeforeAll;
  while (left > 0 && block.live_events > 0 && block.next < edge) {
    if (block.window == nullptr || block.window->empty()) {
      const auto loaded = load(block);
      if (!loaded && loaded.error().code != 0) {  // for a moment, maybe: nothing leaves for that
        refused_ = true;
        return below;
      }
      if (!loaded || block.window->empty()) {  // which events of it are out cannot be told: none can be shown either
        damage_.note(block.segment->index, block.number);
        below = successor(block.next);
        left -= std::min(left, block.live_events);
        leave(block);
        return below;
      }
      block.next = block.window->key(block.window->entries[block.window->head]);
      continue;
    }
    Window& w = *block.window;
    const Window::Entry& oldest = w.entries[w.head];
    below = successor(w.key(oldest));
    take(block, oldest);
    ++w.head;
    --left;
    block.next = w.empty() ? below : w.key(w.entries[w.head]);
  }
  if (block.live_events == 0) leave(block);
  return below;
}

void Retained::take(Block& block, const Window::Entry& e) {
  for (Totals* t : {&block.live, &totals_}) {
    --t->events_by_kind[e.kind];
    if (e.kind == static_cast<std::uint8_t>(Kind::generic))
      if (const auto it = t->generic_by_type.find(block.window->names[e.name]); it != t->generic_by_type.end() && --it->second == 0)
        t->generic_by_type.erase(it);
    if (e.success) --t->successes;
    if (e.duration_ns >= 0) {
      --t->joined;
      t->duration_ns -= e.duration_ns;
    }
  }
  --block.live_events;
  --block.segment->live_events;
  --events_;
}

void Retained::leave(Block& block) {
  totals_ -= block.live;
  events_ -= block.live_events;
  block.segment->live_events -= block.live_events;
  block.live = {};
  block.live_events = 0;
  block.next = kAfterAll;
  close_window(block);
  for (const AmendmentRef& a : block.amendments)
    if (const auto holder = segments_.find(a.holder); holder != segments_.end()) --holder->second.amendments_held;
  block.amendments.clear();
}

void Retained::give_duration(Block& block, const EventKey& key, std::int64_t duration_ns) {
  for (Totals* t : {&block.live, &totals_}) {
    ++t->joined;
    t->duration_ns += duration_ns;
  }
  if (block.window == nullptr) return;
  Window& w = *block.window;
  const auto at = std::lower_bound(w.entries.begin() + static_cast<std::ptrdiff_t>(w.head), w.entries.end(), key,
                                   [&](const Window::Entry& e, const EventKey& k) { return w.key(e) < k; });
  if (at != w.entries.end() && w.key(*at) == key) at->duration_ns = duration_ns;
}

// --- windows

Window::Entry Retained::entry_of(Window& w, const LaneId& lane, const event::Values& stored) const {
  Window::Entry e{
      retention_time_of(stored), stored.sequence, duration_ns(stored).value_or(-1), 0, 0, static_cast<std::uint8_t>(stored.kind), false};
  if (w.lanes.empty() || w.lanes.back() != lane) {
    const auto known = std::find(w.lanes.begin(), w.lanes.end(), lane);
    e.lane = static_cast<std::uint32_t>(known - w.lanes.begin());
    if (known == w.lanes.end()) w.lanes.push_back(lane);
  } else {
    e.lane = static_cast<std::uint32_t>(w.lanes.size() - 1);
  }
  if (stored.kind == Kind::task_execution) e.success = stored.flag(field::kSuccess);
  if (stored.kind == Kind::generic) {
    const std::string_view name = names_.find(generic_word(stored));
    const auto known = std::find(w.names.begin(), w.names.end(), name);
    e.name = static_cast<std::uint16_t>(known - w.names.begin());
    if (known == w.names.end()) w.names.push_back(name);
  }
  return e;
}

Result<void> Retained::load(Block& block) {
  close_window(block);
  auto w = std::make_unique<Window>();
  const auto whole = each_frame(*block.segment->file, block.place, block.number, buffer_, [&](const Frame& frame) {
    return each_event(frame.body, [&](const LaneId& lane, const event::Values& stored) {
      if (!(retention_key(lane, stored) < block.next)) w->entries.push_back(entry_of(*w, lane, stored));
      return true;
    });
  });
  if (!whole) return whole;
  std::map<std::pair<LaneId, std::uint64_t>, std::int64_t> given;
  for (const AmendmentRef& a : block.amendments)
    if (a.duration_ns >= 0) given[{a.lane, a.sequence}] = a.duration_ns;
  if (!given.empty())
    for (Window::Entry& e : w->entries)
      if (const auto it = given.find({w->lanes[e.lane], e.sequence}); it != given.end()) e.duration_ns = it->second;

  const auto older = [&](const Window::Entry& a, const Window::Entry& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : w->key(a) < w->key(b);
  };
  const std::size_t keep = std::max(kWindowMin, kWindowBudget / (windows_ + 1));
  w->complete = w->entries.size() <= keep;
  if (!w->complete) {
    std::nth_element(w->entries.begin(), w->entries.begin() + static_cast<std::ptrdiff_t>(keep), w->entries.end(), older);
    w->entries.resize(keep);
  }
  std::sort(w->entries.begin(), w->entries.end(), older);
  w->entries.shrink_to_fit();
  ++windows_;
  window_entries_ += w->entries.size();
  block.window = std::move(w);
  if (window_entries_ > 2 * kWindowBudget) shrink_windows(block, keep);
  return {};
}

void Retained::close_window(Block& block) {
  if (block.window == nullptr) return;
  --windows_;
  window_entries_ -= block.window->entries.size();
  block.window.reset();
}

// `current` is not in order_, and its window is no larger than that.
void Retained::shrink_windows(Block& current, std::size_t entries_max) {
  window_entries_ = current.window->entries.size();
  for (const auto& [next, block] : order_) {
    if (block->window == nullptr) continue;
    Window& w = *block->window;
    w.entries.erase(w.entries.begin(), w.entries.begin() + static_cast<std::ptrdiff_t>(w.head));
    w.head = 0;
    if (w.entries.size() > entries_max) {
      w.entries.resize(entries_max);
      w.complete = false;
    }
    w.entries.shrink_to_fit();
    window_entries_ += w.entries.size();
  }
}

}  // namespace arbiter::journal
