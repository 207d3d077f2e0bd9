// The journal as it is promised: a plain list of events, and the rules of retention applied to it one by one.
#pragma once

#include <algorithm>
#include <limits>

#include "tests/unit/journal/fixture.hpp"

namespace arbiter::journal::test {

struct ModelEvent {
  LaneId lane;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0, retention_ns = 0;
  Kind kind{};
  bool success = false;
  std::optional<std::int64_t> started_ns;
  std::string generic_name;
  std::uint32_t revision = 0;
  bool out = false;  // not retained any more
  EventRef ref;

  EventKey key() const { return {retention_ns, lane, sequence}; }
  void add_to(Totals& totals) const {
    event::Values v = head(kind, sequence, time_ns);
    if (kind == Kind::task_execution) {
      v.set_flag(field::kSuccess, success);
      if (started_ns) v.set_time(field::kStarted, *started_ns);
    }
    totals.add(v, generic_name);
  }
};

struct Model {
  std::vector<ModelEvent> events;  // journalled, ever
  std::vector<ModelEvent> uncommitted;
  std::vector<std::pair<std::size_t, std::int64_t>> uncommitted_starts;  // index among events and uncommitted, start given
  std::vector<std::size_t> uncommitted_marks;                            // amended in another way
  std::map<LaneId, Cursor> lanes, uncommitted_lanes;
  ClosedLanes closed;
  GenericNames names;
  std::uint64_t cleared = 0;
  Recorder recorder, uncommitted_recorder;
  std::optional<std::int64_t> age_at;  // `now` of the last retain
  Retention retention;

  ModelEvent& at(std::size_t i) { return i < events.size() ? events[i] : uncommitted[i - events.size()]; }
  std::size_t size() const { return events.size() + uncommitted.size(); }

  void commit() {
    const std::size_t first = events.size();
    for (ModelEvent& e : uncommitted) {
      if (e.kind == Kind::generic) e.generic_name = names.name(e.generic_name);
      // What the limit of age would put out at once is out on arrival.
      if (retention.max_age && age_at && e.retention_ns < *age_at - retention.max_age->count()) e.out = true;
      events.push_back(std::move(e));
    }
    uncommitted.clear();
    static_cast<void>(first);
    for (const auto& [i, started] : uncommitted_starts) events[i].started_ns = started, ++events[i].revision;
    for (const std::size_t i : uncommitted_marks) ++events[i].revision;
    uncommitted_starts.clear();
    uncommitted_marks.clear();
    lanes = uncommitted_lanes;
    recorder = uncommitted_recorder;
  }
  void crash() {
    uncommitted.clear();
    uncommitted_starts.clear();
    uncommitted_marks.clear();
    uncommitted_lanes = lanes;
    uncommitted_recorder = recorder;
    age_at.reset();
  }
  void retain(std::int64_t now_ns) {
    age_at = now_ns;
    std::vector<ModelEvent*> left;
    for (ModelEvent& e : events) {
      if (retention.max_age && e.retention_ns < now_ns - retention.max_age->count()) e.out = true;
      if (!e.out) left.push_back(&e);
    }
    if (!retention.max_events || left.size() <= *retention.max_events) return;
    std::sort(left.begin(), left.end(), [](const ModelEvent* a, const ModelEvent* b) { return a->key() < b->key(); });
    for (std::size_t i = 0; i < left.size() - *retention.max_events; ++i) left[i]->out = true;
  }
  void clear() {
    for (ModelEvent& e : events)
      if (!e.out) e.out = true, ++cleared;
    ++recorder.clears;
    uncommitted_recorder = recorder;
  }
  Totals retained() const {
    Totals t;
    for (const ModelEvent& e : events)
      if (!e.out) e.add_to(t);
    return t;
  }
  Totals lifetime() const {
    Totals t;
    for (const ModelEvent& e : events) e.add_to(t);
    return t;
  }
};

}  // namespace arbiter::journal::test
