// What an event of kill_soak holds: who recorded it, as its trace id; a filling that follows from that, of any length; a checksum over
// both, as its span id. Any piece that came from another event, or from none, shows.
#pragma once

#include <array>
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/crash/kill_soak_ledger.hpp"

namespace arbiter::soak {

struct Content {
  std::array<char, 32> trace;  // epoch, chunk, number, bytes of the filling: 8 hex digits each
  std::array<char, 16> span;
  std::string filling;

  std::string_view trace_id() const { return {trace.data(), trace.size()}; }
  std::string_view span_id() const { return {span.data(), span.size()}; }
  std::string task_id() const { return "t-" + std::string(trace_id().substr(0, 24)); }
};

Content make_content(std::uint64_t seed, const Attempt& attempt, std::uint32_t filling_bytes);
std::string execution_id(const Attempt& start);
std::optional<Attempt> attempt_of_execution(std::string_view execution_id);

// An exported event, as far as it matters here.
struct Exported {
  LaneId lane;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;
  std::string type;
  Attempt attempt;
  bool success = false, joined = false;              // of a task execution
  double duration_ms = -1;                           // of a task execution that is joined
  std::optional<Attempt> started_elsewhere, starts;  // the start that a completion is of, if it does not know its time; the start it is
};

// What a line of events.jsonl says; nothing, and why, if that is not what make_content made.
std::optional<Exported> check_exported(std::uint64_t seed, std::string_view line, std::string& why);

}  // namespace arbiter::soak
