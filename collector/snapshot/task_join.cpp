#include "collector/snapshot/task_join.hpp"

#include <algorithm>

#include "collector/snapshot/event_fields.hpp"

namespace arbiter::snapshot {
namespace {

// An id and its hash are two, though their bytes be the same.
std::string name_of(const event::Text& text) {
  std::string name(text.bytes());
  name += text.hashed ? '#' : '=';
  return name;
}

}  // namespace

void TaskJoin::add(const journal::StoredEvent& e) {
  switch (e.values.kind) {
    case Kind::routing_decision: add_decision(e); break;
    case Kind::task_start: add_start(e); break;
    case Kind::task_execution: add_execution(e); break;
    default: add_verdict(e); break;
  }
}

void TaskJoin::add_decision(const journal::StoredEvent& e) {
  constexpr unsigned id = schema::field(Kind::routing_decision, "decisionId");
  constexpr unsigned agent = schema::field(Kind::routing_decision, "selectedAgent");
  if (made_.size() == decisions_max_) {
    const Made& oldest = made_.front();
    if (const auto it = by_id_.find(oldest.id); it != by_id_.end() && it->second == first_) by_id_.erase(it);
    const auto it = by_agent_.find(oldest.agent);
    it->second.pop_front();
    if (it->second.empty()) by_agent_.erase(it);
    made_.pop_front();
    ++first_;
    ++beyond_;
  }
  const Number number = first_ + made_.size();
  Made& made = made_.emplace_back();
  made.key = event_key_bytes(e);
  made.time_ns = e.time_ns;
  made.agent = name_of(e.values.text[agent]);
  by_agent_[made.agent].push_back(number);
  if (!e.values.has(id)) return;
  made.id = name_of(e.values.text[id]);
  by_id_[made.id] = number;
}

void TaskJoin::add_start(const journal::StoredEvent& e) {
  constexpr int id = schema::find_field(Kind::task_start, "decisionId");
  constexpr unsigned censored = schema::field(Kind::task_start, "censored");
  const event::Text* wanted = text_at(e.values, id);
  const auto number = wanted != nullptr ? named(*wanted) : latest(agent_of(e.values), e.time_ns);
  remember(text_at(e.values, common_fields(Kind::task_start).execution), number);
  if (Ending* its = ending(number)) {
    its->started_ns = e.time_ns;
    its->censored = e.values.flag(censored);
  }
}

void TaskJoin::add_execution(const journal::StoredEvent& e) {
  constexpr int joined = schema::find_field(Kind::task_execution, "routingDecision.decisionId");
  constexpr int own = schema::find_field(Kind::task_execution, "decisionId");
  constexpr unsigned started = schema::field(Kind::task_execution, "startedAtNs");
  const event::Text* wanted = text_at(e.values, joined);
  if (wanted == nullptr) wanted = text_at(e.values, own);
  const event::Text* execution = text_at(e.values, common_fields(Kind::task_execution).execution);
  const auto duration = journal::duration_ns(e.values);
  std::optional<Number> number;
  if (wanted != nullptr)
    number = named(*wanted);
  else if (const auto it = execution != nullptr ? by_execution_.find(name_of(*execution)) : by_execution_.end(); it != by_execution_.end())
    number = it->second;
  else
    number = latest(agent_of(e.values), duration ? e.time_ns - *duration : e.time_ns);
  remember(execution, number);
  Ending* its = ending(number);
  if (its == nullptr) return;
  its->outcome.add(e.values);
  its->completed_ns = e.time_ns;
  its->orphan = !duration;
  its->started_ns.reset();
  if (duration) its->started_ns = e.values.has(started) ? e.values.time(started) : e.time_ns - *duration;
  ++its->attempts;
}

void TaskJoin::add_verdict(const journal::StoredEvent& e) {
  const bool evaluation = e.values.kind == Kind::evaluation_outcome;
  const event::Text* wanted = text_at(e.values, schema::find_field(e.values.kind, "decisionId"));
  const event::Text* execution = text_at(e.values, common_fields(e.values.kind).execution);
  std::optional<Number> number;
  if (wanted != nullptr) {
    number = named(*wanted);
  } else if (execution != nullptr) {
    if (const auto it = by_execution_.find(name_of(*execution)); it != by_execution_.end()) number = it->second;
  } else {
    number = latest(agent_of(e.values), e.time_ns);
  }
  Ending* its = ending(number);
  if (its == nullptr) return;
  const auto& [kept_score, kept_compliance] = std::pair(its->outcome.score, its->outcome.compliance);
  its->outcome.score.reset();
  its->outcome.compliance.reset();
  its->outcome.add(e.values);
  // When it was said, of what was said: an evaluation without a score says nothing.
  if (evaluation && its->outcome.score) its->scored_ns = e.time_ns;
  if (!evaluation && its->outcome.compliance) its->validated_ns = e.time_ns;
  if (!its->outcome.score) its->outcome.score = kept_score;
  if (!its->outcome.compliance) its->outcome.compliance = kept_compliance;
}

std::optional<TaskJoin::Number> TaskJoin::named(const event::Text& decision_id) const {
  const auto it = by_id_.find(name_of(decision_id));
  return it == by_id_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<TaskJoin::Number> TaskJoin::latest(const event::Text* agent, std::int64_t not_after_ns) const {
  const auto after = [&](Number number) { return made_[number - first_].time_ns > not_after_ns; };
  if (agent != nullptr) {
    const auto it = by_agent_.find(name_of(*agent));
    if (it == by_agent_.end()) return std::nullopt;
    const auto end = std::partition_point(it->second.begin(), it->second.end(), [&](Number n) { return !after(n); });
    return end == it->second.begin() ? std::nullopt : std::optional(*(end - 1));
  }
  const auto end = std::partition_point(made_.begin(), made_.end(), [&](const Made& made) { return made.time_ns <= not_after_ns; });
  return end == made_.begin() ? std::nullopt : std::optional(first_ + static_cast<Number>(end - made_.begin()) - 1);
}

void TaskJoin::remember(const event::Text* execution, std::optional<Number> decision) {
  if (execution != nullptr && by_execution_.size() < decisions_max_) by_execution_[name_of(*execution)] = decision;
}

Ending* TaskJoin::ending(std::optional<Number> number) {
  if (!number) return nullptr;
  Made& made = made_[*number - first_];
  made.touched = true;
  return &made.ending;
}

Result<void> TaskJoin::end(const std::function<Result<void>(std::string_view, const Ending&)>& take) {
  for (const Made& made : made_)
    if (made.touched)
      if (auto ok = take(view(made.key), made.ending); !ok) return ok;
  first_ = 0;
  made_.clear();
  by_id_.clear();
  by_agent_.clear();
  by_execution_.clear();
  return {};
}

}  // namespace arbiter::snapshot
