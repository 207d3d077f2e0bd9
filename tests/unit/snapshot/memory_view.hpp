// A view of events that a test made up, in the order in which it made them.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_record.hpp"
#include "tests/unit/privacy/sample_event.hpp"

namespace arbiter {

class MemoryView : public journal::View {
 public:
  const journal::Statistics& statistics() const override { return statistics_; }
  std::uint64_t losses_before() const override { return 5; }
  journal::ViewCursor reach() const override { return {1, 2, 3, 4}; }
  std::vector<journal::RetainedFrames> retained_frames() const override { return {{1, 3, std::nullopt}}; }

  Scan scan(const Filter& filter, const std::function<bool(const journal::StoredEvent&)>& visit) const override {
    Scan scan;
    scan.blocks_damaged = damaged;
    std::uint64_t other_tasks = 0;
    for (const std::string& bytes : events_) {
      if (before_event) before_event(scan.events);
      snapshot::EventRecord record;
      if (!record.read(bytes)) continue;
      const journal::StoredEvent e = record.event();
      if (e.time_ns < filter.since_ns || e.time_ns >= filter.until_ns) continue;
      if ((filter.kinds >> static_cast<unsigned>(e.values.kind) & 1) == 0) continue;
      // As the journal may, this lets events of other tasks through where a filter of task ids errs; here every second.
      const event::Text* task = snapshot::task_of(e.values);
      if (filter.task && (task == nullptr || !(*task == *filter.task)) && ++other_tasks % 2 == 0) continue;
      ++scan.events;
      if (!visit(e)) break;
    }
    return scan;
  }

  void add(const event::Values& values, std::uint32_t lane = 0, std::uint32_t revision = 0) {
    LaneId id;
    id.segment[0] = 0xab;
    id.lane = lane;
    std::string& bytes = events_.emplace_back();
    snapshot::append_event_record(bytes, {id, values, journal::time_of(values), journal::retention_time_of(values), revision, 1});
    statistics_.last_updated_ns = std::max(statistics_.last_updated_ns, static_cast<std::int64_t>(values.stamp));
  }
  void reverse() { std::reverse(events_.begin(), events_.end()); }

  std::function<void(std::uint64_t)> before_event;
  std::uint64_t damaged = 0;

 private:
  journal::Statistics statistics_;
  std::vector<std::string> events_;
};

namespace sample {

// One run of a task, as four events; `i` makes it another.
inline void add_run(MemoryView& view, std::uint64_t i, std::uint32_t lane = 0) {
  const std::string task = "task-" + std::to_string(i), agent = "agent-" + std::to_string(i % 3);
  const std::int64_t start = kStampNs + static_cast<std::int64_t>(i) * 1'000'000'000;
  event::Values v;
  const auto next = [&](Kind kind, std::int64_t time, std::uint64_t step) {
    v.kind = kind;
    v.stamp = static_cast<std::uint64_t>(time);
    v.sequence = 4 * i + step + 1;
    v.present = v.truth = 0;
    v.time_ns = abi::kNoTime;
    const snapshot::CommonFields& fields = snapshot::common_fields(kind);
    v.set_text(static_cast<unsigned>(fields.task), std::string_view(task));
    v.set_text(static_cast<unsigned>(fields.agent), std::string_view(agent));
    if (fields.task_type >= 0) v.set_text(static_cast<unsigned>(fields.task_type), std::string_view("review"));
  };
  next(Kind::routing_decision, start, 0);
  v.set_real(schema::field(Kind::routing_decision, "propensity"), i % 2 == 0 ? 0.5 : 0.25);
  view.add(v, lane);
  next(Kind::task_start, start, 1);
  v.set_text(schema::field(Kind::task_start, "executionId"), std::string_view(task));
  view.add(v, lane);
  next(Kind::task_execution, start + 1'500'000, 2);
  v.set_time(schema::field(Kind::task_execution, "startedAtNs"), start);
  v.set_flag(schema::field(Kind::task_execution, "outcome.success"), i % 4 == 0);
  view.add(v, lane);
  next(Kind::evaluation_outcome, start + 2'000'000, 3);
  v.set_flag(schema::field(Kind::evaluation_outcome, "evaluation.passed"), i % 4 == 0);
  v.set_real(schema::field(Kind::evaluation_outcome, "evaluation.score"), 0.5 + 0.001 * static_cast<double>(i % 100));
  view.add(v, lane);
}

}  // namespace sample
}  // namespace arbiter
