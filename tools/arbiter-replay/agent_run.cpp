#include "tools/arbiter-replay/agent_run.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "shm/schema.hpp"
#include "tools/arbiter-replay/json_parts.hpp"

namespace arbiter::replay {
namespace {

Error wrong(std::string_view key, std::string_view what) { return {"'" + std::string(key) + "' " + std::string(what)}; }

// Times after the year 2262 do not fit nanoseconds.
constexpr std::int64_t kTimeMsMax = INT64_MAX / 1'000'000;

Result<void> take_string(std::string_view key, std::string_view value, std::string& out) {
  if (!is_string(value)) return wrong(key, "is not a string");
  std::string room;
  out = text_of(value, room);
  if (key != "task_id" && out.size() > schema::kWordBytesMax)
    return wrong(key, "is longer than 255 bytes");  // the others become ids and words
  return {};
}

Result<void> take_time(std::string_view key, std::string_view value, std::int64_t& out) {
  double number = 0;
  const char* const end = value.data() + value.size();
  if (const auto whole = std::from_chars(value.data(), end, out);
      whole.ec == std::errc{} && whole.ptr == end && out <= kTimeMsMax && out >= -kTimeMsMax)
    return {};
  // 1.728601365278e12 and 1728601365278.0 are the same time
  const auto real = std::from_chars(value.data(), end, number);
  if (real.ec != std::errc{} || real.ptr != end || std::abs(number) > 9e15 || number != std::floor(number) ||
      std::abs(number) > static_cast<double>(kTimeMsMax))
    return wrong(key, "is not a time in whole milliseconds");
  out = static_cast<std::int64_t>(number);
  return {};
}

}  // namespace

std::string AgentRun::context() const {
  return "{\"task_id\":" + (task_id.empty() ? "null" : quoted(task_id)) + ",\"error\":" + (error.empty() ? "null" : quoted(error)) + "}";
}

Result<AgentRun> parse_agent_run(std::string_view line) {
  AgentRun run;
  bool started = false, completed = false, success = false;
  for (Members members(line); members.next();) {
    const std::string_view key = members.key(), value = members.value();
    Result<void> taken;
    if (key == "run_id")
      taken = take_string(key, value, run.run_id);
    else if (key == "agent_id")
      taken = take_string(key, value, run.agent_id);
    else if (key == "started_at_ms")
      taken = take_time(key, value, run.started_at_ms), started = true;
    else if (key == "completed_at_ms")
      taken = take_time(key, value, run.completed_at_ms), completed = true;
    else if (key == "success") {
      if (value != "true" && value != "false") return wrong(key, "is neither true nor false");
      run.success = value == "true", success = true;
    } else if (key == "task_id" || key == "task_family" || key == "score" || key == "error") {
      if (value == "null") continue;
      if (key == "task_id")
        taken = take_string(key, value, run.task_id);
      else if (key == "task_family")
        taken = take_string(key, value, run.task_family);
      else if (key == "error")
        taken = take_string(key, value, run.error);
      else {
        double score = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), score);
        if (error != std::errc{} || end != value.data() + value.size()) return wrong(key, "is not a number that a double can hold");
        if (!(score >= 0 && score <= 1)) return wrong(key, "is not within 0 to 1");
        run.score = score;
      }
    } else {
      return wrong(key, "is no field of an agent run");
    }
    if (!taken) return taken.error();
  }
  if (run.run_id.empty()) return wrong("run_id", "is missing or empty");
  if (run.agent_id.empty()) return wrong("agent_id", "is missing or empty");
  if (!started) return wrong("started_at_ms", "is missing");
  if (!completed) return wrong("completed_at_ms", "is missing");
  if (!success) return wrong("success", "is missing");
  return run;
}

}  // namespace arbiter::replay
