#include "tools/arbiter-replay/worker.hpp"

#include <cstdio>
#include <string>
#include <thread>

#include "producer/values.hpp"
#include "tools/arbiter-replay/json_parts.hpp"
#include "tools/arbiter-replay/lines.hpp"

namespace arbiter::replay {
namespace {

constexpr unsigned kComplaintsMax = 20;    // shown by each worker; all are counted
constexpr std::size_t kLineDepthMax = 80;  // 64 of an event's own JSON, and what an exported event wraps around it

void say(const std::string& text) { std::fputs(("arbiter-replay: " + text + "\n").c_str(), stderr); }  // one call, so that lines stay whole

void add(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

// Runs have run_id, events have data.
bool looks_like_event(std::string_view line) {
  for (Members members(line); members.next();)
    if (members.key() == "data") return true;
  return false;
}

}  // namespace

Worker::Worker(const Options& options, Producer& producer, Tally& tally, unsigned number, unsigned workers,
               std::chrono::steady_clock::time_point start)
    : options_(options),
      producer_(producer),
      tally_(tally),
      number_(number),
      workers_(workers),
      start_(start),
      importer_(options.original_time) {}

bool Worker::run() {
  std::uint64_t before = 0;  // lines of the repetitions that are done
  for (std::uint64_t repetition = 0; repetition < options_.repeat; ++repetition) {
    auto lines = Lines::open(options_.input);
    if (!lines) return say(lines.error().message), false;
    std::uint64_t seen = 0;
    for (;;) {
      const auto more = lines->next();
      if (!more) return say(more.error().message), false;
      if (!*more) break;
      seen = lines->index() + 1;
      const std::uint64_t index = before + lines->index();
      if (index % workers_ != number_) continue;
      if (options_.rate)
        std::this_thread::sleep_until(
            start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(index) / *options_.rate * 1e9)));
      add(tally_.lines);
      if (!take(lines->line(), lines->number(), repetition)) return false;
    }
    before += seen;
  }
  if (complaints_ > kComplaintsMax) say("and " + std::to_string(complaints_ - kComplaintsMax) + " more lines like these");
  return true;
}

void Worker::complain(std::uint64_t line_number, std::string_view what) {
  if (++complaints_ <= kComplaintsMax) say(options_.input + ":" + std::to_string(line_number) + ": " + std::string(what));
}

bool Worker::take(std::string_view line, std::uint64_t line_number, std::uint64_t repetition) {
  const auto bad = [&](std::string_view what) {
    add(tally_.bad_lines);
    complain(line_number, what);
    return true;
  };
  if (!is_json(line, kLineDepthMax)) return bad("is not JSON: one object a line is expected, an agent run or an exported event");
  line.remove_prefix(line.find_first_not_of(" \t"));
  if (!is_object(line)) return bad("is not a JSON object: an agent run or an exported event is expected");
  if (looks_like_event(line)) return record_event(line, line_number);
  auto run = parse_agent_run(line);
  if (!run) return bad(run.error().message);
  return record_run(std::move(*run), line_number, repetition);
}

bool Worker::record_run(AgentRun run, std::uint64_t line_number, std::uint64_t repetition) {
  // A run recorded again is a run of its own, or its executions would all be one.
  if (repetition > 0) run.run_id += "~" + std::to_string(repetition + 1);
  const std::string start_context = run.context();
  const std::string decision_context = run.task_id.empty() ? std::string() : "{\"task_id\":" + quoted(run.task_id) + "}";
  const bool original = options_.original_time;
  const UnixTimeNs started = original ? UnixTimeNs(run.started_at_ns()) : std::nullopt;
  const UnixTimeNs completed = original ? UnixTimeNs(run.completed_at_ns()) : std::nullopt;

  const RecordResultWithId decision = producer_.record(RoutingDecision{
      .task_id = run.run_id, .task_type = run.task_family, .selected_agent = run.agent_id, .context = decision_context, .time = started});
  if (!count(decision, line_number, "its routing decision")) return false;

  const TaskStart start{.execution_id = run.run_id,
                        .task_id = run.run_id,
                        .agent_id = run.agent_id,
                        .task_type = run.task_family,
                        .decision_id = decision.made_id(),
                        .context = start_context,
                        .time = started};
  const double duration_ms = static_cast<double>(run.completed_at_ms - run.started_at_ms);
  const arbiter::Outcome outcome{.success = run.success,
                                 .quality_score = run.score,
                                 .completion_time_ms = duration_ms < 0 ? Number() : Number(duration_ms),
                                 .error_type = run.error};
  if (original) {
    // As from another process: the collector joins the completion to its start.
    if (!count(producer_.record(start), line_number, "its start")) return false;
    const TaskExecution execution{.execution_id = run.run_id,
                                  .task_id = run.run_id,
                                  .agent_id = run.agent_id,
                                  .task_type = run.task_family,
                                  .outcome = outcome,
                                  .time = completed};
    if (!count(producer_.record(execution), line_number, "its completion")) return false;
  } else {
    const Run live = producer_.start_task(start);
    if (!count(live.result(), line_number, "its start")) return false;
    if (!count(live.complete(outcome), line_number, "its completion")) return false;
  }
  const EvaluationOutcome evaluation{.task_id = run.run_id,
                                     .agent_id = run.agent_id,
                                     .execution_id = run.run_id,
                                     .evaluation = {.passed = run.success, .score = run.score},
                                     .time = completed};
  return count(producer_.record(evaluation), line_number, "its evaluation");
}

bool Worker::record_event(std::string_view line, std::uint64_t line_number) {
  const auto values = importer_.read(line);
  if (!values) {
    add(tally_.bad_lines);
    complain(line_number, values.error().message);
    return true;
  }
  return count(producer::record(producer_, **values), line_number, "it");
}

bool Worker::count(const RecordResult& result, std::uint64_t line_number, std::string_view what) {
  switch (result.status()) {
    case Status::recorded: add(tally_.recorded); return true;
    case Status::disabled: add(tally_.disabled); return true;
    case Status::refused: {
      add(tally_.refused);
      std::string why = std::string(what) + " is refused: ";
      if (!result.field().empty()) why += "'" + std::string(result.field()) + "' ";
      complain(line_number, why + std::string(result.rule()));
      return true;
    }
    case Status::dropped: {
      add(tally_.dropped);
      const std::string problem = producer_.problem();
      say("stopped at line " + std::to_string(line_number) + ": " +
          (problem.empty() ? "there was no room in the lane for " + std::to_string(static_cast<int>(options_.wait_seconds)) +
                                 " s: is a collector running?"
                           : problem + ": start a collector, or say where the lanes are with --ring-dir or ARBITER_RING_DIR"));
      return false;
    }
  }
  return false;
}

}  // namespace arbiter::replay
