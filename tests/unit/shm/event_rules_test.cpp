// What is refused: each rule, at its edge, by its name and its field.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "shm/event.hpp"

using namespace arbiter;
using abi::Refusal;
using event::Values;
using schema::field;

namespace {

constexpr Kind kStart = Kind::task_start;

Values good_start() {
  Values v;
  v.kind = kStart;
  v.set_text(0, std::string_view("e"));
  v.set_text(1, std::string_view("t"));
  v.set_text(2, std::string_view("a"));
  return v;
}

Values good_decision() {
  Values v;
  v.kind = Kind::routing_decision;
  v.set_text(1, std::string_view("t"));
  v.set_text(3, std::string_view("a"));
  return v;
}

void check_refused(const Values& v, Refusal rule, unsigned at) {
  const event::Fault fault = event::validate(v);
  CHECK(fault.bad);
  CHECK(fault.rule == rule);
  CHECK(fault.field == at);
}

std::string nested(std::size_t depth) {
  std::string json;
  for (std::size_t i = 0; i < depth; ++i) json += "{\"a\":";
  return json + "1" + std::string(depth, '}');
}

}  // namespace

TEST_CASE("an event with all that is required is accepted, whatever else is missing") {
  CHECK_FALSE(event::validate(good_start()).bad);
  CHECK_FALSE(event::validate(good_decision()).bad);
  Values metrics;
  metrics.kind = Kind::rl_training_metrics;
  CHECK_FALSE(event::validate(metrics).bad);  // requires nothing
}

TEST_CASE("each required field of each kind is missed by name") {
  std::size_t required = 0;
  for (const schema::KindInfo& info : schema::kKindTable) {
    // Present: all but one of the required.
    for (unsigned absent = 0; absent < info.fields.size(); ++absent) {
      if (!info.fields[absent].required) continue;
      ++required;
      Values v;
      v.kind = info.kind;
      for (unsigned f = 0; f < info.fields.size(); ++f) {
        if (!info.fields[f].required || f == absent) continue;
        if (info.fields[f].type == schema::Type::boolean)
          v.set_flag(f, false);
        else
          v.set_text(f, info.fields[f].type == schema::Type::json ? std::string_view("{}")
                        : info.fields[f].choices.empty()          ? std::string_view("x")
                                                                  : info.fields[f].choices[0]);
      }
      check_refused(v, Refusal::missing, absent);
    }
  }
  CHECK(required == 21);
}

TEST_CASE("an empty id or word counts as missing, an empty text does not") {
  Values v = good_start();
  v.set_text(1, std::string_view(""));
  check_refused(v, Refusal::missing, 1);
  v = good_start();
  v.set_text(field(kStart, "taskType"), std::string_view(""));
  check_refused(v, Refusal::missing, field(kStart, "taskType"));
  v = good_decision();
  v.set_text(field(Kind::routing_decision, "rationale"), std::string_view(""));
  CHECK_FALSE(event::validate(v).bad);
}

TEST_CASE("an id has 255 bytes at most, a text has not") {
  Values v = good_start();
  const std::string most(255, 'x'), over(256, 'x'), long_text(60000, 'x');
  v.set_text(1, std::string_view(most));
  CHECK_FALSE(event::validate(v).bad);
  v.set_text(1, std::string_view(over));
  check_refused(v, Refusal::too_long, 1);
  v = good_decision();
  v.set_text(field(Kind::routing_decision, "rationale"), std::string_view(long_text));
  CHECK_FALSE(event::validate(v).bad);
  v.set_text(field(Kind::routing_decision, "routingStrategy"), std::string_view(over));
  check_refused(v, Refusal::too_long, 4);
}

TEST_CASE("what is not UTF-8 is refused, in ids, words and texts") {
  Values v = good_start();
  v.set_text(1, std::string_view("caf\xe9"));
  check_refused(v, Refusal::not_utf8, 1);
  v = good_decision();
  v.set_text(field(Kind::routing_decision, "rationale"), std::string_view("\xc0\x80"));
  check_refused(v, Refusal::not_utf8, 10);
  v = good_start();
  v.set_text(1, std::string_view("café \xf0\x9f\x92\xa1"));
  CHECK_FALSE(event::validate(v).bad);
}

TEST_CASE("NaN and infinities are not numbers, not even where there is no range") {
  Values v;
  v.kind = Kind::rl_training_metrics;
  for (const double bad : {std::nan(""), -std::nan(""), std::numeric_limits<double>::signaling_NaN(),
                           std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()}) {
    v.set_real(1, bad);
    check_refused(v, Refusal::not_finite, 1);
  }
  for (const double good : {0.0, -0.0, 5e-324, -1.7976931348623157e308, 1.7976931348623157e308}) {
    v.set_real(1, good);
    CHECK_FALSE(event::validate(v).bad);
  }
}

TEST_CASE("a share is from 0 to 1, an amount from 0 on, both ends included") {
  Values v = good_decision();
  const unsigned confidence = field(Kind::routing_decision, "confidence");
  for (const double good : {0.0, -0.0, 1.0, 0.5}) {
    v.set_real(confidence, good);
    CHECK_FALSE(event::validate(v).bad);
  }
  for (const double bad : {-5e-324, std::nextafter(1.0, 2.0), 2.0, -1.0}) {
    v.set_real(confidence, bad);
    check_refused(v, Refusal::out_of_range, confidence);
  }
  Values usage;
  usage.kind = Kind::thinking_budget_usage;
  usage.set_text(0, std::string_view("t"));
  usage.set_real(3, 3.5);  // over-use is what it is for
  CHECK_FALSE(event::validate(usage).bad);
  usage.set_real(3, -0.001);
  check_refused(usage, Refusal::out_of_range, 3);
  usage.set_real(3, 1);
  usage.set(1, schema::kCountMax);
  CHECK_FALSE(event::validate(usage).bad);
  usage.set(1, schema::kCountMax + 1);
  check_refused(usage, Refusal::out_of_range, 1);
}

TEST_CASE("a status is one of four words, letter for letter") {
  Values v;
  v.kind = Kind::agent_status_change;
  v.set_text(0, std::string_view("a"));
  for (const char* good : {"available", "busy", "offline", "maintenance"}) {
    v.set_text(1, std::string_view(good));
    CHECK_FALSE(event::validate(v).bad);
  }
  for (const char* bad : {"Busy", "bus", "busy ", "idle"}) {
    v.set_text(1, std::string_view(bad));
    check_refused(v, Refusal::not_a_choice, 1);
  }
}

TEST_CASE("a JSON field holds one object, 64 deep at most") {
  Values v = good_start();
  const unsigned context = field(kStart, "context");
  const std::string deepest = nested(64), deeper = nested(65);
  for (const std::string_view good : {std::string_view("{}"), std::string_view(" {\"a\": [1, null]}\n"), std::string_view(deepest)}) {
    v.set_text(context, good);
    CHECK_FALSE(event::validate(v).bad);
  }
  for (const char* bad : {"", "[]", "1", "{", "{}{}", "{\"a\":NaN}", "{'a':1}", "{\"a\":1,}", "{\"a\":\"\xff\"}"}) {
    v.set_text(context, std::string_view(bad));
    const event::Fault fault = event::validate(v);
    CHECK(fault.bad);
    CHECK(fault.field == context);
    CHECK((fault.rule == Refusal::bad_json || fault.rule == Refusal::not_utf8));
  }
  v.set_text(context, std::string_view(deeper));
  check_refused(v, Refusal::json_too_deep, context);
  const char hash[16] = {};
  v.set_text(context, event::Text::hash(hash));
  check_refused(v, Refusal::bad_json, context);
}

TEST_CASE("a trace id is 32 lower-case hex digits, a span id 16") {
  const unsigned trace = field(kStart, "traceId"), span = field(kStart, "spanId");
  Values v = good_start();
  v.set_text(trace, std::string_view("0123456789abcdef0123456789abcdef"));
  v.set_text(span, std::string_view("0123456789abcdef"));
  CHECK_FALSE(event::validate(v).bad);
  for (const char* bad : {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdef0", "0123456789ABCDEF0123456789abcdef",
                          "0123456789abcdeg0123456789abcdef"}) {
    v.set_text(trace, std::string_view(bad));
    check_refused(v, Refusal::not_hex, trace);
  }
  v = good_start();
  v.set_text(span, std::string_view("0123456789abcdef0123456789abcdef"));
  check_refused(v, Refusal::not_hex, span);
}

TEST_CASE("items of lists are held to the same rules, and the list is named") {
  const unsigned alternatives = field(Kind::routing_decision, "alternativesConsidered");
  const auto refused_item = [&](auto&& fill, Refusal rule) {
    std::string list;
    event::ListWriter writer(list);
    writer.item();
    writer.text(0, std::string_view("fine"));
    writer.item();
    fill(writer);
    Values v = good_decision();
    v.set_text(alternatives, std::string_view(list));
    check_refused(v, rule, alternatives);
  };
  refused_item([](event::ListWriter& w) { w.real(1, 0.5); }, Refusal::missing);
  refused_item([](event::ListWriter& w) { w.text(0, std::string_view("")); }, Refusal::missing);
  refused_item([](event::ListWriter& w) { w.text(0, std::string_view("\xff")); }, Refusal::not_utf8);
  refused_item([](event::ListWriter& w) { w.text(0, std::string_view("a")), w.real(1, std::nan("")); }, Refusal::not_finite);
  refused_item([](event::ListWriter& w) { w.text(0, std::string_view("a")), w.real(2, 1.5); }, Refusal::out_of_range);
  const std::string over(256, 'x');
  refused_item([&](event::ListWriter& w) { w.text(0, std::string_view(over)); }, Refusal::too_long);

  std::string violations;
  event::ListWriter writer(violations);
  writer.item();
  writer.text(0, std::string_view("grave"));
  Values v;
  v.kind = Kind::constitutional_validation;
  v.set_text(0, std::string_view("t"));
  v.set_text(1, std::string_view("a"));
  v.set_text(5, std::string_view(violations));
  check_refused(v, Refusal::not_a_choice, 5);
}

TEST_CASE("an event of 64 KiB is accepted and one byte more is too large, as a whole") {
  Values v = good_decision();
  const unsigned rationale = field(Kind::routing_decision, "rationale");
  const std::string text(65536 - 40 - 2 - 2 - 2 - 1 - 1, 'x');
  v.set_text(rationale, std::string_view(text));
  CHECK(event::encoded_bytes(v) == 65536);
  CHECK_FALSE(event::validate(v).bad);
  const std::string more = text + 'x';
  v.set_text(rationale, std::string_view(more));
  check_refused(v, Refusal::event_too_large, event::kNoField);
}

TEST_CASE("what anonymisation has put in place of an id passes") {
  const char hash[16] = {1};
  Values v = good_start();
  v.set_text(1, event::Text::hash(hash));
  v.set_text(field(kStart, "traceId"), event::Text::hash(hash));
  CHECK_FALSE(event::validate(v).bad);
}

TEST_CASE("every rule and every shape has words of its own") {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < abi::kRefusalReasons; ++i) words.push_back(event::refusal_text(static_cast<Refusal>(i)));
  for (const auto m : {event::Malformed::none, event::Malformed::too_short, event::Malformed::too_long, event::Malformed::unknown_kind,
                       event::Malformed::unknown_field, event::Malformed::lengths})
    words.push_back(event::malformed_text(m));
  for (std::size_t i = 0; i < words.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(words[i] != words[j]);
}

TEST_CASE("a rule of a later version has words too") {
  CHECK(event::refusal_text(static_cast<abi::Refusal>(200)) == "is refused");
  CHECK(event::malformed_text(static_cast<event::Malformed>(200)) == "malformed");
}
