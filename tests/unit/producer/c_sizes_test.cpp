// Old callers and new libraries, and the other way round: what struct_size and item_size decide.
#include <arbiter/producer.h>
#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "tests/unit/producer/drained.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using test::Drain;
using test::OwnDirectory;
using test::Recorded;

namespace {

struct Fixture {
  OwnDirectory directory;
  std::string lanes = directory.lanes();
  arbiter_producer_options options{sizeof options, {lanes.data(), lanes.size()}, {}, 0};
  arbiter_producer* producer = arbiter_producer_create(&options);
  ~Fixture() { arbiter_producer_destroy(producer); }

  std::vector<Recorded> taken() const { return Drain(lanes).take(); }
};

// A struct as a later version has it: with a field that this library does not know.
struct LaterStatusChange {
  arbiter_agent_status_change known;
  arbiter_string mood;
};
struct LaterAlternative {
  arbiter_alternative known;
  arbiter_number weight;
};

// "agent-7 0.5; agent-9 slow": of each alternative what is there.
std::string alternatives_of(const Recorded& decision) {
  std::string all;
  event::ListReader list = decision.list("alternativesConsidered");
  while (list.next()) {
    if (!all.empty()) all += "; ";
    all += list.text(0).bytes();
    for (const unsigned number : {1u, 2u})
      if (list.has(number)) all += " " + std::to_string(list.real(number)).substr(0, 4);
    if (list.has(3)) all += " " + std::string(list.text(3).bytes());
  }
  return all;
}

arbiter_agent_status_change a_change() {
  arbiter_agent_status_change change{};
  change.struct_size = sizeof change;
  change.agent_id = arbiter_str("agent-7");
  change.status = arbiter_str("busy");
  change.previous_status = arbiter_str("available");
  change.reason = arbiter_str("task-1");
  change.time = arbiter_at(77);
  change.span_id = arbiter_str("0123456789abcdef");
  return change;
}

arbiter_routing_decision a_decision(const arbiter_alternatives& alternatives) {
  arbiter_routing_decision decision{};
  decision.struct_size = sizeof decision;
  decision.task_id = arbiter_str("task-1");
  decision.selected_agent = arbiter_str("agent-7");
  decision.alternatives_considered = alternatives;
  return decision;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "fields behind the size that a caller gives are not read, and are not given") {
  // At the end of what an old caller has there lies something else.
  const arbiter_agent_status_change whole = a_change();
  const std::size_t ends[] = {offsetof(arbiter_agent_status_change, previous_status),
                              offsetof(arbiter_agent_status_change, reason),
                              offsetof(arbiter_agent_status_change, time),
                              offsetof(arbiter_agent_status_change, trace_id),
                              offsetof(arbiter_agent_status_change, span_id),
                              sizeof whole};
  for (const std::size_t end : ends) {
    std::vector<unsigned char> bytes(end);  // on the heap, to the byte: a read behind it is one that the sanitizers see
    std::memcpy(bytes.data(), &whole, end);
    std::memcpy(bytes.data(), &end, sizeof end);
    CHECK(arbiter_record(producer, ARBITER_AGENT_STATUS_CHANGE, bytes.data(), nullptr) == ARBITER_RECORDED);
  }
  const auto all = taken();
  REQUIRE(all.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(all[i].text("status") == "busy");
    CHECK(all[i].has("previousStatus") == (i >= 1));
    CHECK(all[i].has("reason") == (i >= 2));
    CHECK((all[i].values.time_ns == 77) == (i >= 3));
    CHECK(all[i].has("spanId") == (i >= 5));
  }
}

TEST_CASE_FIXTURE(Fixture, "a required field behind the size is missing") {
  arbiter_agent_status_change change = a_change();
  change.struct_size = offsetof(arbiter_agent_status_change, status);
  CHECK(arbiter_record_agent_status_change(producer, &change) == ARBITER_REFUSED);
  CHECK(std::string(arbiter_last_error()) == "agent-status-change: status: is required and is missing or empty");
}

TEST_CASE_FIXTURE(Fixture, "a struct of a later version is recorded if its new fields are not given, and invalid if one is") {
  LaterStatusChange later{a_change(), {}};
  later.known.struct_size = sizeof later;
  CHECK(arbiter_record_agent_status_change(producer, &later.known) == ARBITER_RECORDED);
  later.mood = arbiter_str("good");
  CHECK(arbiter_record_agent_status_change(producer, &later.known) == ARBITER_INVALID);
  CHECK(std::string(arbiter_last_error()) == "invalid call: struct_size: covers fields that this version of the library does not know");
  const auto all = taken();
  REQUIRE(all.size() == 1);
  CHECK(all[0].text("reason") == "task-1");
}

TEST_CASE_FIXTURE(Fixture, "a size that no struct has is invalid, and nothing behind the size is read for it") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{4097}, SIZE_MAX}) {
    CHECK(arbiter_record(producer, ARBITER_EVENT, &size, nullptr) == ARBITER_INVALID);
    CHECK(std::string(arbiter_last_error_field()) == "struct_size");
  }
  arbiter_account account{sizeof account, 1, 1, 1, 1, 1, 1};
  CHECK(arbiter_producer_account(producer, &account) == ARBITER_RECORDED);
  CHECK(account.attempted == 0);
}

TEST_CASE_FIXTURE(Fixture, "items of a list are as large as the list says") {
  SUBCASE("smaller: fields behind their size are not given") {
    struct OldAlternative {
      arbiter_string agent_id;
      arbiter_number score;
    } const old[2] = {{arbiter_str("agent-7"), arbiter_num(0.5)}, {arbiter_str("agent-9"), arbiter_num(0.25)}};
    const auto* const items = reinterpret_cast<const arbiter_alternative*>(old);
    const arbiter_routing_decision decision = a_decision({items, 2, sizeof old[0]});
    CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_RECORDED);
    const auto all = taken();
    REQUIRE(all.size() == 1);
    CHECK(alternatives_of(all[0]) == "agent-7 0.50; agent-9 0.25");
  }
  SUBCASE("larger: recorded if what is new is not given") {
    LaterAlternative later[2] = {{{arbiter_str("agent-7"), arbiter_num(0.5), {}, {}}, {}},
                                 {{arbiter_str("agent-9"), {}, {}, arbiter_str("slow")}, {}}};
    const arbiter_routing_decision decision = a_decision({&later[0].known, 2, sizeof later[0]});
    CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_RECORDED);
    later[1].weight = arbiter_num(0);
    CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_INVALID);
    CHECK(std::string(arbiter_last_error_field()) == "item_size");
    const auto all = taken();
    REQUIRE(all.size() == 1);
    CHECK(alternatives_of(all[0]) == "agent-7 0.50; agent-9 slow");
  }
  SUBCASE("of no size: invalid") {
    const arbiter_alternative one{};
    const arbiter_routing_decision decision = a_decision({&one, 1, 0});
    CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_INVALID);
  }
}

TEST_CASE_FIXTURE(Fixture, "a list without items is given if it points somewhere; one with too many is refused") {
  const arbiter_alternative one{};
  arbiter_routing_decision decision = a_decision({&one, 0, sizeof one});
  CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_RECORDED);
  decision.alternatives_considered = {nullptr, 5, sizeof one};
  CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_RECORDED);
  const std::vector<arbiter_alternative> many(65'536, arbiter_alternative{arbiter_str("a"), {}, {}, {}});
  decision.alternatives_considered = {many.data(), 65'536, sizeof one};
  CHECK(arbiter_record_routing_decision(producer, &decision, nullptr) == ARBITER_REFUSED);
  const auto all = taken();
  REQUIRE(all.size() == 2);
  CHECK(all[0].list("alternativesConsidered").size() == 0);
  CHECK_FALSE(all[1].has("alternativesConsidered"));
}

TEST_CASE_FIXTURE(Fixture, "batches and accounts go by their sizes too") {
  const arbiter_agent_status_change change = a_change();
  struct LaterItem {
    arbiter_batch_item known;
    std::uint64_t later;
  } items[2] = {{{sizeof(LaterItem), ARBITER_AGENT_STATUS_CHANGE, ARBITER_INVALID, &change, nullptr, nullptr, nullptr}, 0},
                {{sizeof(LaterItem), ARBITER_AGENT_STATUS_CHANGE, ARBITER_RECORDED, &change, nullptr, nullptr, nullptr}, 1}};
  CHECK(arbiter_record_batch(producer, &items[0].known, 2) == 1);
  CHECK(items[0].known.status == ARBITER_RECORDED);
  CHECK(items[1].known.status == ARBITER_INVALID);

  struct EarlierItem {  // of 1.0: without field and rule
    std::size_t size = sizeof(EarlierItem);
    arbiter_kind kind = ARBITER_AGENT_STATUS_CHANGE;
    arbiter_status status = ARBITER_RECORDED;
    const void* event = nullptr;
    arbiter_id* made_id = nullptr;
  } earlier[2];
  earlier[1].event = &change;
  CHECK(arbiter_record_batch(producer, reinterpret_cast<arbiter_batch_item*>(earlier), 2) == 1);
  CHECK(earlier[0].status == ARBITER_INVALID);
  CHECK(earlier[1].size == sizeof(EarlierItem));

  struct {
    std::size_t size = 2 * sizeof(std::uint64_t);
    std::uint64_t attempted = 0, behind = 99;
  } old;
  CHECK(arbiter_producer_account(producer, reinterpret_cast<arbiter_account*>(&old)) == ARBITER_RECORDED);
  CHECK(old.size == 16);
  CHECK(old.attempted == 2);
  CHECK(old.behind == 99);
}
