#include "collector/join/join.hpp"

#include <doctest/doctest.h>
#include <sodium/core.h>

#include <map>
#include <optional>
#include <random>

using namespace arbiter;
using event::Text;
using event::Values;
using schema::field;

namespace {

// A journal that is a list: what was recorded, as it stands after amendments, by sequence.
struct Recorded {
  explicit Recorded(std::size_t max_open = 100) : join(max_open) {}

  std::uint64_t put(Values v) {
    const join::Keys keys = join.keys(v);
    join.resolve(v, keys);
    v.sequence = ++sequence;
    journal::EventRef ref;
    ref.sequence = sequence;
    ref.time_ns = ref.retention_ns = event_time_ns(static_cast<std::int64_t>(v.stamp), v.time_ns);
    // Strings that the join filled in live only until it settles: keep a copy, as the journal does.
    std::vector<std::byte> bytes(event::encoded_bytes(v));
    event::encode(v, bytes.data());
    join.settle(v, keys, ref, [&](const journal::EventRef& target, const Values& patch) { amend(target.sequence, patch); });
    store(sequence, std::move(bytes));
    order.push_back({ref, sequence});
    return sequence;
  }

  void store(std::uint64_t id, std::vector<std::byte> bytes) {
    auto& held = events[id];
    held.bytes = std::move(bytes);
    REQUIRE(event::decode(held.bytes, held.values) == event::Malformed::none);
  }

  void amend(std::uint64_t id, const Values& patch) {
    ++amendments;
    Values merged = events.at(id).values;
    for (unsigned f = 0; f < schema::kFieldsMax; ++f)
      if (patch.has(f)) {
        merged.present |= 1u << f;
        merged.truth |= patch.truth & 1u << f;
        merged.number[f] = patch.number[f];
        merged.text[f] = patch.text[f];
      }
    std::vector<std::byte> bytes(event::encoded_bytes(merged));
    event::encode(merged, bytes.data());
    store(id, std::move(bytes));
  }

  const Values& at(std::uint64_t id) { return events.at(id).values; }
  std::optional<std::int64_t> started(std::uint64_t id) {
    constexpr unsigned f = field(Kind::task_execution, "startedAtNs");
    return at(id).has(f) ? std::optional(at(id).time(f)) : std::nullopt;
  }
  std::string decision(std::uint64_t id) {
    constexpr unsigned f = field(Kind::task_execution, "routingDecision.decisionId");
    return at(id).has(f) ? std::string(at(id).text[f].bytes()) : "";
  }

  struct Held {
    std::vector<std::byte> bytes;
    Values values;
  };
  join::Join join;
  std::uint64_t sequence = 0;
  int amendments = 0;
  std::map<std::uint64_t, Held> events;
  std::vector<std::pair<journal::EventRef, std::uint64_t>> order;
};

Values start(std::string_view execution, std::int64_t at, std::string_view decision = {}) {
  Values v;
  v.kind = Kind::task_start;
  v.stamp = static_cast<std::uint64_t>(at);
  v.set_text(field(Kind::task_start, "executionId"), execution);
  v.set_text(field(Kind::task_start, "taskId"), std::string_view("task"));
  v.set_text(field(Kind::task_start, "agentId"), std::string_view("agent"));
  if (!decision.empty()) v.set_text(field(Kind::task_start, "decisionId"), decision);
  return v;
}

Values completion(std::string_view execution, std::int64_t at, std::string_view agent = "agent") {
  Values v;
  v.kind = Kind::task_execution;
  v.stamp = static_cast<std::uint64_t>(at);
  if (!execution.empty()) v.set_text(field(Kind::task_execution, "executionId"), execution);
  v.set_text(field(Kind::task_execution, "taskId"), std::string_view("task"));
  v.set_text(field(Kind::task_execution, "agentId"), agent);
  v.set_flag(field(Kind::task_execution, "outcome.success"), true);
  return v;
}

Values decision(std::string_view id, std::int64_t at, std::string_view agent = "agent") {
  Values v;
  v.kind = Kind::routing_decision;
  v.stamp = static_cast<std::uint64_t>(at);
  v.set_text(field(Kind::routing_decision, "decisionId"), id);
  v.set_text(field(Kind::routing_decision, "taskId"), std::string_view("task"));
  v.set_text(field(Kind::routing_decision, "selectedAgent"), agent);
  v.set_real(field(Kind::routing_decision, "propensity"), 0.25);
  return v;
}

std::string saved_by(const join::Join& join) {
  std::string all;
  join.save([&](std::string_view piece) { all += piece; });
  CHECK(join.saved_bytes() == all.size());
  return all;
}

}  // namespace

TEST_CASE("a completion carries the time of its start") {
  Recorded r;
  r.put(start("x", 100));
  CHECK(r.started(r.put(completion("x", 350))) == 100);
  CHECK(r.join.open() == 0);
  CHECK(r.amendments == 0);
}

TEST_CASE("a start that comes after its completion amends it") {
  Recorded r;
  const auto done = r.put(completion("x", 350));
  CHECK(r.started(done) == std::nullopt);
  CHECK(r.join.waiting() == 1);
  r.put(start("x", 100));
  CHECK(r.started(done) == 100);
  CHECK(r.join.waiting() == 0);
  CHECK(r.join.open() == 0);
  CHECK(r.join.counts().late_starts == 1);
}

TEST_CASE("a completion without an execution id is an orphan for good") {
  Recorded r;
  const auto done = r.put(completion("", 350));
  r.put(start("x", 100));
  CHECK(r.started(done) == std::nullopt);
  CHECK(r.join.waiting() == 0);
  CHECK(r.join.open() == 1);
}

TEST_CASE("the second completion of one execution does not take its start again") {
  Recorded r;
  r.put(start("x", 100));
  CHECK(r.started(r.put(completion("x", 200))) == 100);
  CHECK(r.started(r.put(completion("x", 300))) == std::nullopt);
}

TEST_CASE("when the table of open starts is full the oldest is let go as censored") {
  Recorded r(2);
  const auto first = r.put(start("a", 1));
  r.put(start("b", 2));
  r.put(start("c", 3));
  constexpr unsigned censored = field(Kind::task_start, "censored");
  CHECK(r.at(first).flag(censored));
  CHECK_FALSE(r.at(2).flag(censored));
  CHECK(r.join.counts().censored == 1);
  CHECK(r.join.open() == 2);
  CHECK(r.started(r.put(completion("b", 9))) == 2);
}

TEST_CASE("an execution belongs to the latest decision of its task for its agent before its start") {
  Recorded r;
  r.put(decision("d1", 10));
  r.put(decision("d2", 20));
  r.put(decision("other", 25, "someone else"));
  r.put(start("x", 30));
  r.put(decision("d3", 40));
  const auto done = r.put(completion("x", 50));
  CHECK(r.decision(done) == "d2");
  CHECK(r.at(done).real(field(Kind::task_execution, "routingDecision.propensity")) == 0.25);
  CHECK(r.at(done).time(field(Kind::task_execution, "routingDecision.decidedAtNs")) == 20);
}

TEST_CASE("a decision named by the start or the completion wins over the latest") {
  Recorded r;
  r.put(decision("d1", 10));
  r.put(decision("d2", 20));
  r.put(start("x", 30, "d1"));
  CHECK(r.decision(r.put(completion("x", 50))) == "d1");
  Values named = completion("", 60);
  named.set_text(field(Kind::task_execution, "decisionId"), std::string_view("d1"));
  CHECK(r.decision(r.put(named)) == "d1");
}

TEST_CASE("a decision that comes late amends the execution, and a later one before the start replaces it") {
  Recorded r;
  r.put(start("x", 30));
  const auto done = r.put(completion("x", 50));
  CHECK(r.decision(done).empty());
  r.put(decision("d1", 10));
  CHECK(r.decision(done) == "d1");
  r.put(decision("d2", 20));
  CHECK(r.decision(done) == "d2");
  r.put(decision("d0", 5));
  CHECK(r.decision(done) == "d2");
  r.put(decision("d3", 31));
  CHECK(r.decision(done) == "d2");
}

TEST_CASE("ids that are hashed join like plain ones") {
  Recorded r;
  const std::array<char, 16> hash = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  Values s = start("x", 100), c = completion("x", 180);
  s.text[field(Kind::task_start, "executionId")] = Text::hash(hash.data());
  c.text[field(Kind::task_execution, "executionId")] = Text::hash(hash.data());
  r.put(s);
  CHECK(r.started(r.put(c)) == 100);
}

TEST_CASE("the state saved and loaded, or replayed from the events, goes on as if nothing had happened") {
  Recorded r;
  r.put(decision("d1", 10));
  r.put(start("open", 30));
  r.put(start("closed", 31));
  r.put(completion("closed", 40));
  r.put(completion("early", 60));

  const std::string saved = saved_by(r.join);
  join::Join loaded(100), replayed(100);
  REQUIRE(loaded.load(saved));
  for (const auto& [ref, id] : r.order) replayed.replay(ref.lane, r.at(id), ref);

  for (join::Join* other : {&loaded, &replayed}) {
    CHECK(other->open() == 1);
    CHECK(other->waiting() == 1);
    Values done = completion("open", 90);
    other->resolve(done, other->keys(done));
    CHECK(done.time(field(Kind::task_execution, "startedAtNs")) == 30);
    CHECK(done.text[field(Kind::task_execution, "routingDecision.decisionId")].bytes() == "d1");
    int amended = 0;
    journal::EventRef ref;
    ref.sequence = 99, ref.time_ns = 55;
    const Values begun = start("early", 55);
    other->settle(begun, other->keys(begun), ref, [&](const journal::EventRef& target, const Values& patch) {
      ++amended;
      CHECK(target.sequence == 5);
      CHECK(patch.time(field(Kind::task_execution, "startedAtNs")) == 55);
    });
    CHECK(amended == 1);
  }
}

TEST_CASE("a saved state cut short at any byte, or longer than it is, is refused and leaves nothing behind") {
  Recorded r;
  r.put(decision("d1", 10));
  r.put(start("open", 30));
  r.put(completion("early", 60));
  const std::string saved = saved_by(r.join);
  join::Join loaded(100);
  for (std::size_t size = 0; size < saved.size(); ++size) {
    CHECK_FALSE(loaded.load(std::string_view(saved).substr(0, size)));
    CHECK(loaded.open() == 0);
  }
  CHECK_FALSE(loaded.load(saved + "x"));
  CHECK(loaded.load(saved));
}

TEST_CASE("a state knows how long it is, also when entries with more words, or with fewer, have been let go") {
  Recorded r(3);
  for (int i = 0; i < 10; ++i) {
    r.put(decision("d" + std::string(static_cast<std::size_t>(i * 37 % 100), 'x'), 10 + i));
    r.put(start("s" + std::to_string(i), 30 + i));
    saved_by(r.join);
  }
  join::Join loaded(2);
  REQUIRE(loaded.load(saved_by(r.join)));
  saved_by(loaded);
}

TEST_CASE("a state saved in slices, while events come, is the one at the end of it") {
  Recorded r(40);
  std::mt19937 random(9);
  std::int64_t at = 1000;
  const auto some_events = [&] {
    for (int n = static_cast<int>(random() % 12); n > 0; --n) {
      const std::string id = std::to_string(random() % 60);
      switch (++at; random() % 4) {
        case 0: r.put(decision("d" + id, at - static_cast<std::int64_t>(random() % 30))); break;
        case 1: r.put(start(id, at)); break;
        case 2: r.put(start(id, at, "d" + id)); break;
        default: r.put(completion(id, at)); break;
      }
    }
  };
  for (int round = 0; round < 100; ++round) {
    std::string told;
    const auto out = [&](std::string_view piece) { told += piece; };
    r.join.begin_saving(out);
    for (int slices = static_cast<int>(random() % 9); slices > 0; --slices) {
      some_events();
      r.join.save_some(out, random() % 3000);
    }
    some_events();
    r.join.finish_saving(out);
    join::Join loaded(40);
    REQUIRE(loaded.load(told));
    CHECK(saved_by(loaded) == saved_by(r.join));
    some_events();
  }
  CHECK(r.join.counts().late_decisions > 0);
}

TEST_CASE("a saved state in which what never came is changed or leaves is refused") {
  Recorded r;
  r.put(start("open", 30));
  const std::string saved = saved_by(r.join);
  const auto behind = [](std::string bytes, std::uint32_t tag, std::uint32_t which) {  // the entry
    std::string record(reinterpret_cast<const char*>(&tag), sizeof tag);
    record.append(reinterpret_cast<const char*>(&which), sizeof which);
    return bytes.insert(bytes.size() - sizeof(join::Counts) - sizeof(std::uint32_t), record);
  };
  constexpr std::uint32_t kStarts = 0, kGone = 8;
  join::Join loaded(100);
  const std::string gone = behind(saved, kGone | kStarts, 0);
  REQUIRE(loaded.load(gone));
  CHECK(loaded.open() == 0);
  CHECK_FALSE(loaded.load(behind(gone, kGone | kStarts, 0)));  // it has left already
  CHECK_FALSE(loaded.load(behind(saved, kGone | kStarts, 1)));
  CHECK_FALSE(loaded.load(behind(saved, kGone | 1, 0)));
  CHECK_FALSE(loaded.load(behind(saved, 13, 0)));
  REQUIRE(loaded.load(saved));
  CHECK(loaded.open() == 1);
}
