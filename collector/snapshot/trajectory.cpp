#include "collector/snapshot/trajectory.hpp"

#include <charconv>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/event_json.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

// Of two events that name the agent, the one nearer to what was done is believed.
int rank_of(Kind kind) {
  switch (kind) {
    case Kind::task_execution: return 3;
    case Kind::task_start: return 2;
    case Kind::routing_decision: return 1;
    default: return 0;
  }
}

constexpr std::string_view kTimeout = "timeout";

bool timed_out(const event::Values& execution) {
  constexpr unsigned error = schema::field(Kind::task_execution, "outcome.errorType");
  const event::Text* const type = text_at(execution, static_cast<int>(error));
  return type != nullptr && !type->hashed && type->bytes() == kTimeout;
}

void append_value(std::string& out, const Reward& reward) {
  out += ",\"reward\":";
  if (reward.value)
    append_real(out, *reward.value);
  else
    out += "null";
}

void append_reward(std::string& out, const Reward& reward) {
  append_value(out, reward);
  out += reward.value ? ",\"rewardSource\":\"" + reward.source() + '"' : ",\"rewardSource\":null";
  out += ",\"rewardComponents\":{";
  bool first = true;
  for (std::size_t i = 0; i < kComponents; ++i) {
    if (!reward.components[i]) continue;
    out += first ? "\"" : ",\"";
    out += kComponentNames[i];
    out += "\":";
    append_real(out, *reward.components[i]);
    first = false;
  }
  out += '}';
}

}  // namespace

void TrajectoryWriter::Best::offer(const event::Text* text, int from) {
  if (text == nullptr || from < rank) return;
  shown = text->shown();
  rank = from;
}

void TrajectoryWriter::begin(std::string& out, const event::Text& task, std::int64_t first_time_ns) {
  *this = TrajectoryWriter(formula_);
  out += "{\"taskId\":";
  json::append_text(out, task);
  out += ",\"startTime\":\"";
  append_time_ms(out, first_time_ns);
  out += "\",\"events\":[";
}

void TrajectoryWriter::add(std::string& out, const journal::StoredEvent& e) {
  if (steps_ != 0) {
    close_step(out, false);
    out += ',';
  }
  ++steps_;
  append_event_json(out, e);
  out.pop_back();  // its brace: close_step puts it behind what is known only now that another event comes, or none
  if (e.values.kind == Kind::task_execution) timed_out_ = timed_out(e.values);
  last_time_ns_ = e.time_ns;
  const CommonFields& fields = common_fields(e.values.kind);
  const int rank = rank_of(e.values.kind);
  task_type_.offer(text_at(e.values, fields.task_type), rank);
  agent_.offer(text_at(e.values, fields.agent), rank);
  outcome_.add(e.values);
}

void TrajectoryWriter::close_step(std::string& out, bool last) const {
  if (last)
    append_value(out, reward_of(formula_, outcome_));
  else
    out += ",\"reward\":0";
  const auto flag = [&out](std::string_view key, bool value) { out.append(",\"").append(key).append(value ? "\":true" : "\":false"); };
  flag("is_first", steps_ == 1);
  flag("is_last", last);
  flag("is_terminal", last && outcome_.success && !timed_out_);
  out += '}';
}

void TrajectoryWriter::end(std::string& out) {
  if (steps_ != 0) close_step(out, true);
  const auto text = [&out](std::string_view key, const Best& best) {
    if (best.rank < 0) return;
    out += key;
    json::append_string(out, best.shown);
  };
  out += "],\"endTime\":\"";
  append_time_ms(out, last_time_ns_);
  out += '"';
  text(",\"taskType\":", task_type_);
  text(",\"agentId\":", agent_);
  out += ",\"steps\":" + std::to_string(steps_);
  append_reward(out, reward_of(formula_, outcome_));
  out += outcome_.success ? ",\"done\":true" : ",\"done\":false";
  out += outcome_.success && !timed_out_ ? ",\"truncated\":false}" : ",\"truncated\":true}";
}

}  // namespace arbiter::snapshot
