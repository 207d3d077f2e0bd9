#include "collector/privacy/anonymizer.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/unit/privacy/sample_event.hpp"

using namespace arbiter;
using namespace arbiter::privacy;
using config::FreeText;
using schema::Subject;

namespace {

constexpr IdKey kKey{9, 8, 7};

std::string hash(std::string_view id) {
  std::array<char, 16> out;
  Prf{kKey}(id, out.data());
  return event::Text::hash(out.data()).shown();
}

// Shown text of a field, "-" when it is not there.
std::string shown(const event::Values& v, std::string_view path) {
  const int f = schema::find_field(v.kind, path);
  REQUIRE(f >= 0);
  return v.has(static_cast<unsigned>(f)) ? v.text[static_cast<unsigned>(f)].shown() : "-";
}

const schema::List& list_of(Kind kind, std::string_view path) {
  return *schema::info(kind).fields[static_cast<std::size_t>(schema::find_field(kind, path))].list;
}

}  // namespace

TEST_CASE("with everything on, nothing that identifies survives in any kind, and what is left is a valid event") {
  for (const Kind kind : sample::all_kinds()) {
    CAPTURE(static_cast<int>(kind));
    for (const FreeText free_text : {FreeText::drop, FreeText::hash}) {
      Anonymizer anonymizer({.preserve_task_types = false, .free_text = free_text}, kKey);
      sample::Event e;
      sample::fill(e, kind);
      REQUIRE_FALSE(event::validate(e.values));
      CHECK(sample::encoded(e.values).find("raw-") != (kind == Kind::rl_training_metrics ? 0 : std::string::npos));
      anonymizer.lift_ids(e.values);
      CHECK_FALSE(anonymizer.apply(e.values).oversize);
      const std::string bytes = sample::encoded(e.values);
      CHECK(bytes.find("raw-") == std::string::npos);
      CHECK(bytes.find(std::string(16, 'c')) == std::string::npos);
      CHECK_FALSE(event::validate(e.values));
      event::Values back;
      CHECK(event::decode(std::as_bytes(std::span(bytes)), back, event::kStoredEventBytesMax) == event::Malformed::none);
    }
  }
}

TEST_CASE("a routing decision's fields become what the table says, each") {
  Anonymizer anonymizer({}, kKey);
  sample::Event e;
  sample::fill(e, Kind::routing_decision);
  anonymizer.apply(e.values);
  const event::Values& v = e.values;
  CHECK(shown(v, "decisionId") == hash("raw-decisionId"));
  CHECK(shown(v, "taskId") == hash("raw-taskId"));
  CHECK(shown(v, "selectedAgent") == hash("raw-selectedAgent"));
  CHECK(shown(v, "taskType") == "word of taskType");
  CHECK(shown(v, "routingStrategy") == "word of routingStrategy");
  CHECK(shown(v, "rationale") == "-");
  CHECK(shown(v, "traceId") == hash(std::string(32, 'c')));
  CHECK(shown(v, "spanId") == hash(std::string(16, 'c')));
  CHECK(shown(v, "context") ==
        R"({"taskId":")" + hash("raw-taskId") + R"(","nested":[{"selectedAgent":")" + hash("raw-agentId") + R"("}],"x":1.50})");
  event::ListReader items(list_of(v.kind, "alternativesConsidered"),
                          v.text[schema::field(Kind::routing_decision, "alternativesConsidered")]);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(items.next());
    CHECK(items.text(0).shown() == hash("raw-agentId" + std::to_string(i)));
    CHECK(items.real(1) == 0.25 * (i + 1));
    CHECK(items.real(2) == 0.25 * (i + 1));
    CHECK_FALSE(items.has(3));  // its reason
  }
  CHECK_FALSE(items.next());
  CHECK_FALSE(items.malformed());
  CHECK(v.real(schema::field(Kind::routing_decision, "confidence")) == 0.125);
}

TEST_CASE("one id has one hash: in a typed field, in a list, in JSON, in a query") {
  Anonymizer anonymizer({}, kKey);
  sample::Event e;
  sample::fill(e, Kind::task_start);
  e.values.set_text(schema::field(Kind::task_start, "context"), e.keep(R"({"id":"raw-taskId"})"));
  anonymizer.apply(e.values);
  CHECK(shown(e.values, "context") == R"({"id":")" + shown(e.values, "taskId") + R"("})");
  HashStorage storage;
  const event::Text raw = anonymizer.hash_for_query("raw-taskId", Subject::task, storage);
  CHECK(raw == e.values.text[schema::field(Kind::task_start, "taskId")]);
  HashStorage other;
  const std::string as_shown = shown(e.values, "taskId");
  CHECK(anonymizer.hash_for_query(as_shown, Subject::task, other) == raw);
}

TEST_CASE("an event's own ids are not left behind as keys of its JSON") {
  sample::Event e;
  for (const bool preserve : {false, true}) {
    Anonymizer anonymizer({.preserve_agent_ids = preserve}, kKey);
    sample::fill(e, Kind::routing_decision);
    e.values.set_text(schema::field(Kind::routing_decision, "context"),
                      std::string_view(R"({"load":{"raw-selectedAgent":1},"raw-taskId":[]})"));
    anonymizer.apply(e.values);
    const std::string agent = preserve ? "raw-selectedAgent" : hash("raw-selectedAgent");
    CHECK(shown(e.values, "context") == R"({"load":{")" + agent + R"(":1},")" + hash("raw-taskId") + R"(":[]})");
  }
}

TEST_CASE("another key gives other hashes") {
  Anonymizer one({}, kKey), two({}, IdKey{1});
  HashStorage a, b;
  CHECK_FALSE(one.hash_for_query("x", Subject::task, a) == two.hash_for_query("x", Subject::task, b));
}

TEST_CASE("agents' ids can be preserved, everywhere; a query for one asks for it as it is") {
  Anonymizer anonymizer({.preserve_agent_ids = true}, kKey);
  sample::Event e;
  sample::fill(e, Kind::routing_decision);
  anonymizer.apply(e.values);
  CHECK(shown(e.values, "selectedAgent") == "raw-selectedAgent");
  CHECK(shown(e.values, "taskId") == hash("raw-taskId"));
  CHECK(shown(e.values, "context").find(R"("selectedAgent":"raw-agentId")") != std::string::npos);
  event::ListReader items(list_of(e.values.kind, "alternativesConsidered"),
                          e.values.text[schema::field(Kind::routing_decision, "alternativesConsidered")]);
  REQUIRE(items.next());
  CHECK(items.text(0).shown() == "raw-agentId0");
  CHECK_FALSE(items.has(3));
  HashStorage storage;
  CHECK(anonymizer.hash_for_query("raw-selectedAgent", Subject::agent, storage).shown() == "raw-selectedAgent");
  CHECK(anonymizer.hash_for_query("raw-taskId", Subject::task, storage).hashed);
}

TEST_CASE("task types are hashed where they are not preserved") {
  Anonymizer anonymizer({.preserve_task_types = false}, kKey);
  sample::Event e;
  sample::fill(e, Kind::task_execution);
  anonymizer.apply(e.values);
  CHECK(shown(e.values, "taskType") == hash("word of taskType"));
  CHECK(shown(e.values, "outcome.errorType") == "word of outcome.errorType");
}

TEST_CASE("free text is kept, hashed or dropped, in fields and in items") {
  const auto run = [](FreeText mode, Kind kind, std::string_view path) {
    Anonymizer anonymizer({.free_text = mode}, kKey);
    sample::Event e;
    sample::fill(e, kind);
    anonymizer.apply(e.values);
    return shown(e.values, path);
  };
  CHECK(run(FreeText::keep, Kind::agent_status_change, "reason") == "raw-reason");
  CHECK(run(FreeText::hash, Kind::agent_status_change, "reason") == hash("raw-reason"));
  CHECK(run(FreeText::drop, Kind::agent_status_change, "reason") == "-");
  CHECK(run(FreeText::keep, Kind::evaluation_outcome, "evaluation.feedback") == "raw-evaluation.feedback");
  CHECK(run(FreeText::hash, Kind::evaluation_outcome, "evaluation.feedback") == hash("raw-evaluation.feedback"));
  CHECK(run(FreeText::drop, Kind::evaluation_outcome, "evaluation.feedback") == "-");

  const auto message = [](FreeText mode) {
    Anonymizer anonymizer({.free_text = mode}, kKey);
    sample::Event e;
    sample::fill(e, Kind::constitutional_validation);
    anonymizer.apply(e.values);
    event::ListReader items(list_of(e.values.kind, "validationResult.violations"),
                            e.values.text[schema::field(Kind::constitutional_validation, "validationResult.violations")]);
    REQUIRE(items.size() == 2);
    REQUIRE(items.next());
    CHECK(items.text(0).shown() == "low");
    CHECK(items.text(2).shown() == "item-rule0");
    return items.has(1) ? items.text(1).shown() : "-";
  };
  CHECK(message(FreeText::keep) == "raw-message0");
  CHECK(message(FreeText::hash) == hash("raw-message0"));
  CHECK(message(FreeText::drop) == "-");
}

TEST_CASE("an anonymised event that is recorded again is not hashed again") {
  Anonymizer anonymizer({.free_text = FreeText::hash}, kKey), other({.free_text = FreeText::hash}, IdKey{5});
  sample::Event first;
  sample::fill(first, Kind::routing_decision);
  anonymizer.apply(first.values);
  // As replayed: the shown forms, as strings.
  sample::Event again;
  sample::fill(again, Kind::routing_decision);
  for (unsigned f = 0; f < schema::kFieldsMax; ++f)
    if (first.values.has(f) && first.values.text[f].hashed) again.values.set_text(f, again.keep(first.values.text[f].shown()));
  again.values.set_text(schema::field(Kind::routing_decision, "context"), again.keep(shown(first.values, "context")));
  again.values.set_text(schema::field(Kind::routing_decision, "alternativesConsidered"),
                        first.values.text[schema::field(Kind::routing_decision, "alternativesConsidered")]);
  const std::string before = sample::encoded(first.values);
  other.apply(again.values);
  CHECK(sample::encoded(again.values) == before);
}

TEST_CASE("switched off, events pass as they are, but JSON on one line and shown hashes as hashes") {
  Anonymizer anonymizer;
  CHECK_FALSE(anonymizer.enabled());
  for (const Kind kind : sample::all_kinds()) {
    sample::Event e;
    sample::fill(e, kind);
    sample::Event expected;
    sample::fill(expected, kind);
    for (const char* path : {"context", "data"})
      if (const int f = schema::find_field(kind, path); f >= 0)
        expected.values.set_text(
            static_cast<unsigned>(f),
            std::string_view(R"({"taskId":"raw-taskId","nested":[{"selectedAgent":"raw-agentId"}],"x":1.50,"reason":"raw-reason"})"));
    CHECK_FALSE(anonymizer.apply(e.values).oversize);
    CHECK(sample::encoded(e.values) == sample::encoded(expected.values));
  }
  const std::string id = "anon-00112233445566778899aabbccddeeff";
  sample::Event e;
  sample::fill(e, Kind::task_start);
  e.values.set_text(schema::field(Kind::task_start, "taskId"), std::string_view(id));
  anonymizer.apply(e.values);
  CHECK(e.values.text[schema::field(Kind::task_start, "taskId")].hashed);
  CHECK(shown(e.values, "taskId") == id);
  HashStorage storage;
  CHECK(anonymizer.hash_for_query(id, Subject::task, storage) == e.values.text[schema::field(Kind::task_start, "taskId")]);
  CHECK(anonymizer.hash_for_query("raw", Subject::task, storage).shown() == "raw");
}

TEST_CASE("a generic event's ids are lifted from the top level of its data, and hashed like any") {
  Anonymizer anonymizer({}, kKey);
  const auto lifted = [&](std::string data) {
    sample::Event e;
    e.values.kind = Kind::generic;
    e.values.set_text(schema::field(Kind::generic, "type"), std::string_view("my-event"));
    e.values.set_text(schema::field(Kind::generic, "data"), e.keep(std::move(data)));
    e.values.set_text(schema::field(Kind::generic, "taskId"), std::string_view("what a producer must not say"));
    anonymizer.lift_ids(e.values);
    anonymizer.apply(e.values);
    CHECK(shown(e.values, "type") == "my-event");
    return shown(e.values, "taskId") + "|" + shown(e.values, "agentId") + "|" + shown(e.values, "data");
  };
  CHECK(lifted(R"({"taskId": "t", "agentId": "a"})") ==
        hash("t") + "|" + hash("a") + R"(|{"taskId":")" + hash("t") + R"(","agentId":")" + hash("a") + R"("})");
  CHECK(lifted(R"({"x":{"taskId":"t"}})").starts_with("-|-|"));
  CHECK(lifted(R"({"taskId":""})") == R"(-|-|{"taskId":""})");
  CHECK(lifted(R"({"taskId":")" + std::string(255, 'x') + R"("})").starts_with(hash(std::string(255, 'x')) + "|-|"));
  CHECK(lifted(R"({"taskId":")" + std::string(256, 'x') + R"("})").starts_with("-|-|"));
}

TEST_CASE("JSON that hashes make too long for its field becomes an empty object, and that is said") {
  Anonymizer anonymizer({}, kKey);
  constexpr unsigned context = schema::field(Kind::task_start, "context");
  const auto with_ids = [&](std::size_t ids) {
    sample::Event e;
    sample::fill(e, Kind::task_start);
    std::string json = R"({"ids":[)";
    for (std::size_t i = 0; i < ids; ++i) json += i == 0 ? R"("a")" : R"(,"a")";
    e.values.set_text(context, e.keep(json + "]}"));
    REQUIRE_FALSE(event::validate(e.values));
    const bool oversize = anonymizer.apply(e.values).oversize;
    CHECK(e.values.has(context));
    CHECK(shown(e.values, "taskId") == hash("raw-taskId"));
    return std::pair(oversize, e.values.text[context].size);
  };
  // {"ids":[ + n of "anon-<32>" and the commas + ]} = 10 + 40n - 1
  CHECK(with_ids(1638) == std::pair(false, 10 + 40 * 1638u - 1));
  CHECK(with_ids(1639) == std::pair(true, 2u));
  CHECK(with_ids(15'000) == std::pair(true, 2u));
}

TEST_CASE("a list that hashes make too long for its field is gone, and that is said") {
  Anonymizer anonymizer({}, kKey);
  constexpr unsigned alternatives = schema::field(Kind::routing_decision, "alternativesConsidered");
  const auto with_items = [&](std::size_t n) {
    sample::Event e;
    sample::fill(e, Kind::routing_decision);
    std::string bytes;
    event::ListWriter writer(bytes);
    for (std::size_t i = 0; i < n; ++i) writer.item(), writer.text(0, std::string_view("a"));
    e.values.set_text(alternatives, std::string_view(bytes));
    REQUIRE_FALSE(event::validate(e.values));
    const bool oversize = anonymizer.apply(e.values).oversize;
    return std::pair(oversize, e.values.has(alternatives) ? e.values.text[alternatives].size : 0);
  };
  CHECK(with_items(3449) == std::pair(false, 2 + 19 * 3449u));
  CHECK(with_items(3450) == std::pair(true, 0u));
}

TEST_CASE("an event that grows over twice what a lane holds loses its JSON first, and that is said") {
  Anonymizer anonymizer({.free_text = FreeText::keep}, kKey);
  constexpr unsigned context = schema::field(Kind::routing_decision, "context");
  constexpr unsigned alternatives = schema::field(Kind::routing_decision, "alternativesConsidered");
  sample::Event e;
  sample::fill(e, Kind::routing_decision);
  std::string json = R"({"ids":["a")";
  for (int i = 1; i < 1500; ++i) json += R"(,"a")";
  e.values.set_text(context, e.keep(json + "]}"));
  std::string bytes;
  event::ListWriter writer(bytes);
  for (int i = 0; i < 3400; ++i) writer.item(), writer.text(0, std::string_view("a"));
  e.values.set_text(alternatives, std::string_view(bytes));
  e.values.set_text(schema::field(Kind::routing_decision, "rationale"), e.keep(std::string(45'000, 'r')));
  REQUIRE_FALSE(event::validate(e.values));
  CHECK(anonymizer.apply(e.values).oversize);
  CHECK(shown(e.values, "context") == "{}");
  CHECK(e.values.text[alternatives].size == 2 + 19 * 3400);
  CHECK(event::encoded_bytes(e.values) <= privacy::kEventBytesMax);
}

TEST_CASE("the largest event that a lane holds passes, whole, and a few bytes longer") {
  Anonymizer anonymizer({.free_text = FreeText::keep}, kKey);
  sample::Event e;
  e.values.kind = Kind::task_start;
  e.values.set_text(schema::field(Kind::task_start, "executionId"), std::string_view("e"));
  e.values.set_text(schema::field(Kind::task_start, "taskId"), std::string_view("t"));
  e.values.set_text(schema::field(Kind::task_start, "agentId"), std::string_view("a"));
  const std::string json = R"({"x":")" + std::string(abi::kEventBytesMax - 40 - 8 - 3 - 8, 'x') + R"("})";
  e.values.set_text(schema::field(Kind::task_start, "context"), std::string_view(json));
  REQUIRE(event::encoded_bytes(e.values) == abi::kEventBytesMax);
  REQUIRE_FALSE(event::validate(e.values));
  CHECK_FALSE(anonymizer.apply(e.values).oversize);
  CHECK(event::encoded_bytes(e.values) == abi::kEventBytesMax + 3 * 15);
  CHECK(shown(e.values, "context") == json);
}

TEST_CASE("an event in which a value is another one now is said to be changed: what it came as is no longer to be kept") {
  for (const Kind kind : sample::all_kinds()) {
    CAPTURE(static_cast<int>(kind));
    for (const bool enabled : {false, true}) {
      CAPTURE(enabled);
      Anonymizer anonymizer = enabled ? Anonymizer({.preserve_task_types = false, .free_text = FreeText::hash}, kKey) : Anonymizer();
      for (const char* id : {"raw-id", "anon-00112233445566778899aabbccddeeff"}) {
        sample::Event e;
        sample::fill(e, kind);
        for (unsigned f = 0; f < schema::info(kind).fields.size(); ++f)
          if (schema::info(kind).fields[f].type == schema::Type::id) e.values.set_text(f, e.keep(id));
        const std::string before = sample::encoded(e.values);
        const bool changed = anonymizer.apply(e.values).changed;
        if (sample::encoded(e.values) != before) CHECK(changed);
      }
    }
  }
  Anonymizer off;
  event::Values usage;  // what all of this is for
  usage.kind = Kind::thinking_budget_usage;
  usage.set_text(schema::field(Kind::thinking_budget_usage, "taskId"), std::string_view("task"));
  CHECK_FALSE(off.apply(usage).changed);
}
