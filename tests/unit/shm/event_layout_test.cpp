// The bytes of an event, laid out by hand: what a producer in another language would write, and what lies in journals for years.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "shm/event.hpp"

using namespace arbiter;
using event::Malformed;
using event::Values;

namespace {

// Bytes, appended one by one.
struct Bytes {
  std::string data;
  Bytes& u8(unsigned v) { return data += static_cast<char>(v), *this; }
  Bytes& u16(unsigned v) { return u8(v & 0xff).u8(v >> 8); }
  Bytes& u32(std::uint64_t v) { return u16(v & 0xffff).u16(v >> 16 & 0xffff); }
  Bytes& u64(std::uint64_t v) { return u32(v & 0xffffffff).u32(v >> 32); }
  Bytes& text(std::string_view s) { return data += s, *this; }
  Bytes& head(std::uint64_t present, std::uint64_t truth, std::uint64_t length, unsigned kind) {
    return u64(0x1112131415161718).u64(77).u64(static_cast<std::uint64_t>(-5)).u32(present).u32(truth).u32(length).u16(kind).u16(0);
  }
  std::span<const std::byte> span() const { return std::as_bytes(std::span(data)); }
};

Values of(Kind kind) {
  Values v;
  v.kind = kind;
  v.stamp = 0x1112131415161718;
  v.sequence = 77;
  v.time_ns = -5;
  return v;
}

std::string encoded(const Values& v) {
  std::string out(event::encoded_bytes(v), '\0');
  CHECK(event::encode(v, reinterpret_cast<std::byte*>(out.data())) == out.size());
  return out;
}

Malformed decoded(const Bytes& bytes) {
  Values v;
  return event::decode(bytes.span(), v);
}

}  // namespace

TEST_CASE("the smallest event is its head: 40 bytes, each field in its place, little-endian") {
  Bytes bytes;
  bytes.head(0, 0, 40, 11);
  CHECK(bytes.data.size() == 40);
  CHECK(encoded(of(Kind::rl_training_metrics)) == bytes.data);
  CHECK(bytes.data.substr(0, 8) == "\x18\x17\x16\x15\x14\x13\x12\x11");
  Values v;
  REQUIRE(event::decode(bytes.span(), v) == Malformed::none);
  CHECK(v.kind == Kind::rl_training_metrics);
  CHECK(v.stamp == 0x1112131415161718);
  CHECK(v.sequence == 77);
  CHECK(v.time_ns == -5);
  CHECK(v.present == 0);
}

TEST_CASE("numbers come first, then all lengths, then all texts, each in the order of the table") {
  // task-execution: 2 taskId, 3 agentId, 5 startedAtNs, 14 success, 15 qualityScore, 17 tokensConsumed, 22 errorType
  Values v = of(Kind::task_execution);
  v.set_text(22, std::string_view("late"));  // the order of setting does not matter
  v.set_text(2, std::string_view("t-1"));
  v.set_text(3, std::string_view("a"));
  v.set_time(5, -2);
  v.set_flag(14, true);
  v.set_real(15, 0.5);
  v.set(17, 1500);
  Bytes bytes;
  bytes.head(1u << 2 | 1u << 3 | 1u << 5 | 1u << 14 | 1u << 15 | 1u << 17 | 1u << 22, 1u << 14, 78, 5);
  bytes.u64(static_cast<std::uint64_t>(-2)).u64(0x3fe0000000000000).u64(1500);
  bytes.u16(3).u16(1).u16(4);
  bytes.text("t-1").text("a").text("late");
  CHECK(encoded(v) == bytes.data);

  Values back;
  REQUIRE(event::decode(bytes.span(), back) == Malformed::none);
  CHECK(back.present == v.present);
  CHECK(back.truth == 1u << 14);
  CHECK(back.flag(14));
  CHECK(back.time(5) == -2);
  CHECK(back.real(15) == 0.5);
  CHECK(back.count(17) == 1500);
  CHECK(back.text[2].bytes() == "t-1");
  CHECK(back.text[3].bytes() == "a");
  CHECK(back.text[22].bytes() == "late");
  CHECK_FALSE(back.has(0));
}

TEST_CASE("fields stand at these indexes for ever") {
  using schema::field;
  static_assert(field(Kind::agent_registration, "capabilities") == 1 &&
                field(Kind::agent_registration, "baselineMetrics.reliability") == 5);
  static_assert(field(Kind::agent_status_change, "status") == 1 && field(Kind::agent_status_change, "reason") == 3);
  static_assert(field(Kind::routing_decision, "taskId") == 1 && field(Kind::routing_decision, "selectedAgent") == 3);
  static_assert(field(Kind::routing_decision, "alternativesConsidered") == 9 && field(Kind::routing_decision, "spanId") == 12);
  static_assert(field(Kind::task_start, "executionId") == 0 && field(Kind::task_start, "censored") == 8);
  static_assert(field(Kind::task_execution, "startedTicks") == 6 && field(Kind::task_execution, "routingDecision.decidedAtNs") == 13);
  static_assert(field(Kind::task_execution, "outcome.success") == 14 && field(Kind::task_execution, "spanId") == 24);
  static_assert(field(Kind::constitutional_validation, "validationResult.violations") == 5);
  static_assert(field(Kind::thinking_budget_allocation, "allocatedTokens") == 1 &&
                field(Kind::thinking_budget_usage, "utilizationRate") == 3);
  static_assert(field(Kind::minimality_evaluation, "qualityAssessment") == 5 && field(Kind::model_judgment, "criteriaScores") == 6);
  static_assert(field(Kind::rl_training_metrics, "trainingTimeMs") == 5 && field(Kind::evaluation_outcome, "evaluation.feedback") == 7);
  static_assert(field(Kind::generic, "data") == 1 && field(Kind::generic, "spanId") == 5);
}

TEST_CASE("a list is its number of items, and of each item presence, numbers in place, lengths and texts") {
  std::string list;
  event::ListWriter writer(list);
  writer.item();
  writer.text(0, std::string_view("a-1"));
  writer.real(1, 2.0);
  writer.item();
  writer.text(0, std::string_view("b"));
  writer.text(3, std::string_view(""));
  CHECK(writer.size() == 2);
  Bytes bytes;
  bytes.u16(2);
  bytes.u8(0b0011).u16(3).text("a-1").u64(0x4000000000000000);
  bytes.u8(0b1001).u16(1).text("b").u16(0);
  CHECK(list == bytes.data);

  event::ListReader reader(schema::kAlternatives, std::string_view(list));
  CHECK(reader.size() == 2);
  REQUIRE(reader.next());
  CHECK(reader.text(0).bytes() == "a-1");
  CHECK(reader.real(1) == 2.0);
  CHECK_FALSE(reader.has(2));
  CHECK_FALSE(reader.has(3));
  REQUIRE(reader.next());
  CHECK(reader.text(0).bytes() == "b");
  CHECK_FALSE(reader.has(1));
  CHECK(reader.has(3));
  CHECK(reader.text(3).bytes().empty());
  CHECK_FALSE(reader.next());
  CHECK_FALSE(reader.malformed());
}

TEST_CASE("a hash stands for a text under the length 0xffff, and is shown as anon- and 32 digits") {
  const char hash[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, static_cast<char>(0xff)};
  Values v = of(Kind::agent_status_change);
  v.set_text(0, event::Text::hash(hash));
  v.set_text(1, std::string_view("busy"));
  Bytes bytes;
  bytes.head(0b11, 0, 64, 2).u16(0xffff).u16(4).text(std::string_view(hash, 16)).text("busy");
  CHECK(encoded(v) == bytes.data);
  Values back;
  REQUIRE(event::decode(bytes.span(), back) == Malformed::none);
  CHECK(back.text[0].hashed);
  CHECK(back.text[0].shown() == "anon-000102030405060708090a0b0c0d0eff");
  CHECK(back.text[1].shown() == "busy");
  CHECK(event::parse_hashed(back.text[0].shown()) == std::to_array({'\x00', '\x01', '\x02', '\x03', '\x04', '\x05', '\x06', '\x07', '\x08',
                                                                    '\x09', '\x0a', '\x0b', '\x0c', '\x0d', '\x0e', '\xff'}));
  for (const char* other :
       {"", "anon-", "anon-000102030405060708090a0b0c0d0ef", "anon-000102030405060708090a0b0c0d0eff0",
        "anon-000102030405060708090A0b0c0d0eff", "anon_000102030405060708090a0b0c0d0eff", "anon-000102030405060708090a0b0c0d0efg"})
    CHECK_FALSE(event::parse_hashed(other).has_value());
}

TEST_CASE("bytes that are shorter than a head, or say so, are too short") {
  Bytes bytes;
  bytes.head(0, 0, 40, 11);
  for (std::size_t n = 0; n < 40; ++n) {
    Values v;
    CHECK(event::decode(bytes.span().first(n), v) == Malformed::too_short);
  }
  for (const unsigned length : {0u, 1u, 39u}) {
    Bytes said;
    CHECK(decoded(said.head(0, 0, length, 11)) == Malformed::too_short);
  }
}

TEST_CASE("a length beyond what is there, or beyond 64 KiB, is too long") {
  Bytes one_more;
  CHECK(decoded(one_more.head(0, 0, 41, 11)) == Malformed::too_long);
  Bytes most;
  CHECK(decoded(most.head(0, 0, UINT32_MAX, 11)) == Malformed::too_long);
  Bytes large;
  large.head(0, 0, 65537, 11).data.resize(70000);
  CHECK(decoded(large) == Malformed::too_long);
}

TEST_CASE("what follows an event's length is not looked at") {
  Bytes bytes;
  bytes.head(1, 0, 43, 3).u16(1).text("d").data.append(64 - 43, '\xee');
  CHECK(decoded(bytes) == Malformed::none);
}

TEST_CASE("a kind that is none of the thirteen is unknown") {
  for (const unsigned kind : {0u, 14u, 255u, 0x8001u, 0xffffu}) {
    Bytes bytes;
    CHECK(decoded(bytes.head(0, 0, 40, kind)) == Malformed::unknown_kind);
  }
}

TEST_CASE("a bit of presence or of truth that the kind does not have is an unknown field") {
  struct {
    std::uint32_t present, truth;
    unsigned kind;
  } const bad[] = {
      {1u << 8, 0, 11},         // rl-training-metrics has fields 0 to 7
      {1u << 31, 0, 11},        //
      {0, 1, 11},               // none of them a boolean
      {0, 1u << 14, 5},         // a boolean that is not present
      {1u << 14, 1u << 13, 5},  // another one's truth
      {1u << 2, 1u << 2, 5},    // the truth of an id
  };
  for (const auto& [present, truth, kind] : bad) {
    Bytes bytes;
    bytes.head(present, truth, 60, kind).data.resize(60);
    CHECK(decoded(bytes) == Malformed::unknown_field);
  }
}

TEST_CASE("lengths that do not add up to the event's are malformed") {
  SUBCASE("numbers and lengths that reach beyond it") {
    Bytes bytes;
    CHECK(decoded(bytes.head(0b111111, 0, 80, 11).u64(0).u64(0).u64(0).u64(0).u64(0)) == Malformed::lengths);
  }
  SUBCASE("a text longer than what is left") {
    Bytes bytes;
    CHECK(decoded(bytes.head(0b11, 0, 46, 2).u16(1).u16(2).text("ab")) == Malformed::lengths);
  }
  SUBCASE("a hash cut short") {
    Bytes bytes;
    CHECK(decoded(bytes.head(1, 0, 57, 2).u16(0xffff).text("123456789012345")) == Malformed::lengths);
  }
  SUBCASE("bytes left over") {
    Bytes bytes;
    CHECK(decoded(bytes.head(1, 0, 44, 2).u16(1).text("ab")) == Malformed::lengths);
  }
}

TEST_CASE("a list that does not add up makes its event malformed") {
  const auto with_list = [](const std::string& list) {
    Bytes bytes;
    bytes.head(1u << 9, 0, 42 + list.size(), 3).u16(static_cast<unsigned>(list.size())).text(list);
    return decoded(bytes);
  };
  CHECK(with_list(Bytes{}.u16(0).data) == Malformed::none);
  CHECK(with_list(Bytes{}.u16(1).u8(1).u16(1).text("a").data) == Malformed::none);
  CHECK(with_list("") == Malformed::lengths);
  CHECK(with_list(Bytes{}.u8(0).data) == Malformed::lengths);
  CHECK(with_list(Bytes{}.u16(0).u8(0).data) == Malformed::lengths);                   // a byte over
  CHECK(with_list(Bytes{}.u16(2).u8(1).u16(1).text("a").data) == Malformed::lengths);  // an item short
  CHECK(with_list(Bytes{}.u16(1).u8(0x10).data) == Malformed::lengths);                // a field that an item does not have
  CHECK(with_list(Bytes{}.u16(1).u8(1).u16(2).text("a").data) == Malformed::lengths);  // a text cut short
  CHECK(with_list(Bytes{}.u16(1).u8(1).u8(1).data) == Malformed::lengths);             // a length cut short
  CHECK(with_list(Bytes{}.u16(1).u8(2).u32(0).data) == Malformed::lengths);            // a number cut short
  CHECK(with_list(Bytes{}.u16(65535).data) == Malformed::lengths);
  Bytes hashed;
  CHECK(decoded(hashed.head(1u << 9, 0, 58, 3).u16(0xffff).text("1234567890123456")) == Malformed::lengths);
}

TEST_CASE("a flag that is set again says what it was set to last, and its neighbours stay") {
  Values v = of(Kind::task_start);
  v.set_flag(3, true);
  v.set_flag(4, true);
  v.set_flag(3, false);
  CHECK(v.truth == 1u << 4);
  CHECK_FALSE(v.flag(3));
  CHECK((v.present & 1u << 3) != 0);
  v.set_flag(3, true);
  CHECK(v.truth == (1u << 3 | 1u << 4));
}
