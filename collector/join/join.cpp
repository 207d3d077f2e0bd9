#include "collector/join/join.hpp"

#include <algorithm>

namespace arbiter::join {
namespace {

using event::Text;
using event::Values;
using schema::field;

// Fields of the three kinds that the join reads and writes.
namespace decision {
constexpr unsigned id = field(Kind::routing_decision, "decisionId");
constexpr unsigned task = field(Kind::routing_decision, "taskId");
constexpr unsigned agent = field(Kind::routing_decision, "selectedAgent");
constexpr unsigned strategy = field(Kind::routing_decision, "routingStrategy");
constexpr unsigned confidence = field(Kind::routing_decision, "confidence");
constexpr unsigned propensity = field(Kind::routing_decision, "propensity");
constexpr unsigned policy = field(Kind::routing_decision, "policyVersion");
}  // namespace decision
namespace start {
constexpr unsigned execution = field(Kind::task_start, "executionId");
constexpr unsigned decision_id = field(Kind::task_start, "decisionId");
constexpr unsigned censored = field(Kind::task_start, "censored");
}  // namespace start
namespace execution {
constexpr unsigned id = field(Kind::task_execution, "executionId");
constexpr unsigned decision_id = field(Kind::task_execution, "decisionId");
constexpr unsigned task = field(Kind::task_execution, "taskId");
constexpr unsigned agent = field(Kind::task_execution, "agentId");
constexpr unsigned started = field(Kind::task_execution, "startedAtNs");
constexpr unsigned by_id = field(Kind::task_execution, "routingDecision.decisionId");
constexpr unsigned by_agent = field(Kind::task_execution, "routingDecision.selectedAgent");
constexpr unsigned by_strategy = field(Kind::task_execution, "routingDecision.routingStrategy");
constexpr unsigned by_confidence = field(Kind::task_execution, "routingDecision.confidence");
constexpr unsigned by_propensity = field(Kind::task_execution, "routingDecision.propensity");
constexpr unsigned by_policy = field(Kind::task_execution, "routingDecision.policyVersion");
constexpr unsigned by_time = field(Kind::task_execution, "routingDecision.decidedAtNs");
}  // namespace execution

// So many entries with one key are looked at, newest first: a task and agent that everything is recorded under must not make each event
// dearer.
constexpr int kChainMax = 64;

Decision decision_of(const Values& v, std::int64_t time_ns) {
  Decision d;
  d.time_ns = time_ns;
  d.present = 1u << execution::by_time;
  const auto take = [&](unsigned from, unsigned to, Decision::Word word) {
    if (!v.has(from)) return;
    d.add(word, v.text[from]);
    d.present |= 1u << to;
  };
  take(decision::id, execution::by_id, Decision::id);
  take(decision::agent, execution::by_agent, Decision::agent);
  take(decision::strategy, execution::by_strategy, Decision::strategy);
  take(decision::policy, execution::by_policy, Decision::policy);
  if (v.has(decision::confidence)) d.confidence = v.real(decision::confidence), d.present |= 1u << execution::by_confidence;
  if (v.has(decision::propensity)) d.propensity = v.real(decision::propensity), d.present |= 1u << execution::by_propensity;
  return d;
}

Values patch_of(Kind kind) {
  Values patch;
  patch.kind = kind;
  return patch;
}

std::int64_t time_of(const Values& v) { return event_time_ns(static_cast<std::int64_t>(v.stamp), v.time_ns); }

}  // namespace

void Decision::add(Word word, const Text& text) {
  words.insert(words.end(), text.data, text.data + text.size);
  size[word] = static_cast<std::uint16_t>(text.size);
  if (text.hashed) hashed = static_cast<std::uint8_t>(hashed | 1 << word);
}

void Decision::fill(Values& v) const {
  const char* at = words.data();
  const auto give = [&](unsigned to, Word word) {
    if ((present >> to & 1) != 0) v.set_text(to, (hashed >> word & 1) != 0 ? Text::hash(at) : Text{std::string_view(at, size[word])});
    at += size[word];
  };
  give(execution::by_id, id);
  give(execution::by_agent, agent);
  give(execution::by_strategy, strategy);
  give(execution::by_policy, policy);
  if ((present >> execution::by_confidence & 1) != 0) v.set_real(execution::by_confidence, confidence);
  if ((present >> execution::by_propensity & 1) != 0) v.set_real(execution::by_propensity, propensity);
  v.set_time(execution::by_time, time_ns);
}

Join::Join(std::size_t max_open_executions)
    : starts_(max_open_executions), waiting_(max_open_executions), decidable_(max_open_executions), decisions_(max_open_executions) {}

void Join::set_capacity(std::size_t max_open_executions) {
  starts_.set_capacity(max_open_executions);
  waiting_.set_capacity(max_open_executions);
  decidable_.set_capacity(max_open_executions);
  decisions_.set_capacity(max_open_executions);
}

const Decision* Join::find_decision(const Key& named, const Key& task_agent, std::int64_t not_after_ns) const {
  if (!named.null()) {
    const std::uint32_t slot = decisions_.find(0, named);
    return slot == kNone ? nullptr : &decisions_[slot].decision;
  }
  const Decision* latest = nullptr;
  int looked = 0;
  for (std::uint32_t slot = decisions_.find(1, task_agent); slot != kNone && looked < kChainMax;
       slot = decisions_.next_older(1, slot), ++looked) {
    const Decision& d = decisions_[slot].decision;
    if (d.time_ns <= not_after_ns && (latest == nullptr || d.time_ns > latest->time_ns)) latest = &d;
  }
  return latest;
}

Keys Join::keys(const Values& v) {
  const auto key = [&](unsigned f) { return v.has(f) ? key_of_(v.text[f]) : Key{}; };
  const auto task_agent = [&](unsigned task, unsigned agent) {
    if (!v.has(agent) || v.text[agent].hashed) return pair_key(key(task), key(agent));
    return pair_key(key(task), recent_.of(v.text[agent].bytes(), [&](std::string_view id) { return key_of_(Text(id)); }));
  };
  switch (v.kind) {
    case Kind::routing_decision: return {key(decision::id), task_agent(decision::task, decision::agent), {}};
    case Kind::task_start: return {key(start::execution), {}, key(start::decision_id)};
    case Kind::task_execution: return {key(execution::id), task_agent(execution::task, execution::agent), key(execution::decision_id)};
    default: return {};
  }
}

void Join::resolve(Values& v, const Keys& keys) const {
  if (v.kind != Kind::task_execution) return;
  waiting_.prefetch(0, keys.id);  // for settle()
  waiting_.prefetch(1, keys.task_agent);
  decidable_.prefetch(1, keys.task_agent);
  Key named = keys.decision;
  if (!keys.id.null()) {
    const std::uint32_t slot = starts_.find(0, keys.id);
    if (slot != kNone) {
      const Start& s = starts_[slot];
      if (!v.has(execution::started)) v.set_time(execution::started, s.ref.time_ns);
      if (named.null()) named = s.decision;
    }
  }
  if (v.has(execution::by_time)) return;  // an import that brings its decision along
  const std::int64_t not_after = v.has(execution::started) ? v.time(execution::started) : time_of(v);
  if (const Decision* d = find_decision(named, keys.task_agent, not_after)) d->fill(v);
}

void Join::settle(const Values& v, const Keys& keys, const journal::EventRef& ref, const Amend& amend) {
  switch (v.kind) {
    case Kind::routing_decision: return settle_decision(v, keys, ref, amend);
    case Kind::task_start: return settle_start(keys, ref, amend);
    case Kind::task_execution: return settle_execution(v, keys, ref);
    default: return;
  }
}

std::uint32_t Join::remember(Made&& made) {
  if (decisions_.full()) {
    words_bytes_ -= decisions_[decisions_.oldest()].decision.words.size();
    decisions_.erase(decisions_.oldest());
  }
  words_bytes_ += made.decision.words.size();
  return decisions_.insert(std::move(made));
}

void Join::settle_decision(const Values& v, const Keys& keys, const journal::EventRef& ref, const Amend& amend) {
  Made made;
  made.keys[0] = keys.id;
  made.keys[1] = keys.task_agent;
  made.decision = decision_of(v, ref.time_ns);
  const Decision& d = decisions_[remember(std::move(made))].decision;

  const auto give = [&](Executions& table, std::uint32_t slot) {
    Waiting& w = table[slot];
    Values patch = patch_of(Kind::task_execution);
    d.fill(patch);
    w.decided_ns = d.time_ns;
    table.changed(slot);
    ++counts_.late_decisions;
    amend(w.ref, patch);
  };
  for (Executions* table : {&waiting_, &decidable_}) {
    int looked = 0;
    if (!keys.id.null())
      for (std::uint32_t slot = table->find(2, keys.id); slot != kNone && looked < kChainMax; slot = table->next_older(2, slot), ++looked)
        if ((*table)[slot].decided_ns == INT64_MIN) give(*table, slot);
    looked = 0;
    for (std::uint32_t slot = table->find(1, keys.task_agent); slot != kNone && looked < kChainMax;
         slot = table->next_older(1, slot), ++looked) {
      const Waiting& w = (*table)[slot];
      if (w.keys[2].null() && d.time_ns <= w.not_after_ns && d.time_ns >= w.decided_ns) give(*table, slot);
    }
  }
}

void Join::settle_start(const Keys& keys, const journal::EventRef& ref, const Amend& amend) {
  const std::uint32_t slot = waiting_.find(0, keys.id);
  if (slot == kNone) {
    if (starts_.full()) {
      Values patch = patch_of(Kind::task_start);
      patch.set_flag(start::censored, true);
      ++counts_.censored;
      amend(starts_[starts_.oldest()].ref, patch);
      starts_.erase(starts_.oldest());
    }
    starts_.insert({{keys.id}, ref, keys.decision});
    return;
  }
  // Its completion was here first.
  Waiting w = waiting_[slot];
  waiting_.erase(slot);
  Values patch = patch_of(Kind::task_execution);
  patch.set_time(execution::started, ref.time_ns);
  if (w.keys[2].null()) w.keys[2] = keys.decision;
  if (const Decision* d = find_decision(w.keys[2], w.keys[1], ref.time_ns); d != nullptr && d->time_ns != w.decided_ns) {
    d->fill(patch);
    w.decided_ns = d->time_ns;
  }
  ++counts_.late_starts;
  amend(w.ref, patch);
  w.keys[0] = {};
  w.not_after_ns = ref.time_ns;
  keep_decidable(w);
}

void Join::settle_execution(const Values& v, const Keys& keys, const journal::EventRef& ref) {
  Waiting w;
  w.ref = ref;
  w.keys[1] = keys.task_agent;
  w.keys[2] = keys.decision;
  w.not_after_ns = v.has(execution::started) ? v.time(execution::started) : ref.time_ns;
  if (v.has(execution::by_time)) w.decided_ns = v.time(execution::by_time);
  if (!keys.id.null()) {
    if (const std::uint32_t slot = starts_.find(0, keys.id); slot != kNone) {
      if (w.keys[2].null()) w.keys[2] = starts_[slot].decision;
      starts_.erase(slot);
    }
    if (!v.has(execution::started)) {
      w.keys[0] = keys.id;
      if (waiting_.full()) {
        ++counts_.orphans_let_go;
        waiting_.erase(waiting_.oldest());
      }
      waiting_.insert(w);
      return;
    }
  }
  keep_decidable(w);
}

void Join::keep_decidable(const Waiting& w) {
  if (!w.keys[2].null() && w.decided_ns != INT64_MIN) return;  // has the decision it names: nothing can change it
  if (decidable_.full()) decidable_.erase(decidable_.oldest());
  decidable_.insert(w);
}

void Join::replay(const LaneId&, const Values& stored, const journal::EventRef& ref) {
  settle(stored, keys(stored), ref, [](const journal::EventRef&, const Values&) {});
}

void Join::replay_clear() {
  // What could be amended is gone. Starts and decisions stay: what completes them is still to come.
  waiting_.clear();
  decidable_.clear();
}

}  // namespace arbiter::join
