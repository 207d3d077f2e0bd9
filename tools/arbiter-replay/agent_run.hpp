// One line of an input of agent runs: what an agent did on one task, from start to score.
//
//   {"run_id": "...", "task_id": "...", "task_family": "...", "agent_id": "...", "started_at_ms": 1728601365278, "completed_at_ms":
//   1728611086957,
//    "score": 0.5, "success": true, "error": null}
//
// run_id, agent_id, the two times (Unix, milliseconds) and success are required; score is 0 to 1. Unknown fields are refused. Everything
// that the producer would refuse is refused here, so that no run is recorded in part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::replay {

struct AgentRun {
  std::string run_id, task_id, task_family, agent_id;
  std::int64_t started_at_ms = 0;
  std::int64_t completed_at_ms = 0;
  std::optional<double> score;
  bool success = false;
  std::string error;  // empty: none

  std::int64_t started_at_ns() const { return started_at_ms * 1'000'000; }
  std::int64_t completed_at_ns() const { return completed_at_ms * 1'000'000; }
  std::string context() const;  // JSON of task_id and error
};

// `line` is JSON (json_parts.hpp: is_json) and an object.
Result<AgentRun> parse_agent_run(std::string_view line);

}  // namespace arbiter::replay
