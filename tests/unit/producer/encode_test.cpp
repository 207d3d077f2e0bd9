// The encoder against event::encode and event::validate, over events made at random.
#include "producer/encode.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/producer/as_values.hpp"

using namespace arbiter;

namespace {

// Fills structs in: mostly with what is fine, now and then with what breaks a rule.
class Filler {
 public:
  explicit Filler(std::uint32_t seed) : random_(seed) {}

  template <class E>
  E make() {
    strings_.clear();
    E event{};
    describe::of<E>::fields::each([&]<class At>() {
      if (At::field.required ? !one_in(40) : one_in(2))
        fill<At>(const_cast<std::remove_cvref_t<decltype(At::get(event))>&>(At::get(event)));
    });
    if (one_in(2)) event.time = static_cast<std::int64_t>(random_()) * 1'000'003 - 5'000'000'000;
    return event;
  }

 private:
  bool one_in(unsigned n) { return random_() % n == 0; }
  std::size_t up_to(std::size_t n) { return random_() % (n + 1); }

  std::string_view keep(std::string text) { return strings_.emplace_back(std::move(text)); }

  std::string ascii(std::size_t size) {
    std::string text(size, ' ');
    for (char& c : text) c = static_cast<char>(' ' + up_to(94));
    return text;
  }
  std::string any_text(std::size_t size) {
    std::string text = ascii(size);
    if (one_in(4)) text.insert(up_to(text.size()), "\xc3\xa4\xf0\x9f\xa6\x8a");  // two characters, six bytes
    if (one_in(60)) text.insert(up_to(text.size()), "\xed\xa0\x80");             // half a surrogate pair
    return text;
  }
  std::string hex(std::size_t digits) {
    std::string text(digits, '0');
    for (char& c : text) c = "0123456789abcdef"[up_to(15)];
    return text;
  }

  std::string_view string_for(const schema::Field& f) {
    switch (f.type) {
      case schema::Type::id:
      case schema::Type::word:
        if (!f.choices.empty() && !one_in(30)) return f.choices[up_to(f.choices.size() - 1)];
        return keep(any_text(one_in(40) ? 250 + up_to(12) : 1 + up_to(50)));
      case schema::Type::hex: return keep(one_in(20) ? any_text(f.hex_digits) : hex(f.hex_digits));
      case schema::Type::json:
        if (one_in(20)) return keep(std::string(63 + up_to(2), '[') + "1");
        if (one_in(20)) return keep("{\"a\":" + std::string(62 + up_to(2), '[') + std::string(64, ']') + "}");
        return keep(R"({"k": ")" + hex(up_to(40)) + (one_in(3) ? "\xc3\xa4" : "") + R"(", "n": [1.50, null]})");
      default:
        // Longer ones would not fit into the length of a list's item: the form of the table cannot hold them.
        if (one_in(150)) return keep(ascii(60'000 + up_to(5'000)));
        return keep(any_text(up_to(one_in(10) ? 2000 : 60)));
    }
  }
  double real_for(const schema::Field& f) {
    const double low = std::max(f.min, -1000.0), high = std::min(f.max, 1000.0);
    switch (random_() % 40) {
      case 0: return std::nan("");
      case 1: return f.max;
      case 2: return f.min;
      case 3: return std::nextafter(f.max, INFINITY);
      case 4: return std::nextafter(f.min, -INFINITY);
      case 5: return -0.0;
      case 6: return std::numeric_limits<double>::denorm_min();
      default: return std::uniform_real_distribution<double>(low, high)(random_);
    }
  }

  template <class At>
  void fill(std::string_view& value) {
    value = string_for(At::field);
  }
  template <class At>
  void fill(Number& value) {
    value = real_for(At::field);
  }
  template <class At>
  void fill(double& value) {
    value = real_for(At::field);
  }
  template <class At>
  void fill(Flag& value) {
    value = one_in(2);
  }
  template <class At>
  void fill(Count& value) {
    value = std::uint64_t{random_()} << up_to(32);
  }
  template <class At>
  void fill(UnixTimeNs& value) {
    value = static_cast<std::int64_t>(random_()) - 1'000'000;
  }
  template <class At, class T>
  void fill(List<T>& value) {
    auto& items = std::get<std::deque<std::vector<T>>>(lists_).emplace_back(up_to(one_in(20) ? 200 : 4));
    for (T& item : items)
      describe::item<T>::fields::each([&]<class ItemAt>() {
        if (ItemAt::field.required ? !one_in(200) : one_in(2))
          fill<ItemAt>(const_cast<std::remove_cvref_t<decltype(ItemAt::get(item))>&>(ItemAt::get(item)));
      });
    value = items;
  }

  std::mt19937 random_;
  std::deque<std::string> strings_;
  std::tuple<std::deque<std::vector<std::string_view>>, std::deque<std::vector<Alternative>>, std::deque<std::vector<Violation>>,
             std::deque<std::vector<Score>>>
      lists_;
};

struct Seen {
  unsigned good = 0, refused = 0;
  std::uint32_t rules = 0;
};

template <class E>
Seen compare(std::uint32_t seed, unsigned events) {
  Seen seen;
  Filler filler(seed);
  constexpr std::byte untouched{0xee};
  for (unsigned i = 0; i < events; ++i) {
    const E event = filler.make<E>();
    std::deque<std::string> lists;
    event::Values values = test::as_values(event, lists);
    values.stamp = 0x1122334455667788;
    values.sequence = i;
    const event::Fault expected = event::validate(values);

    const encode::Measure m = encode::measure(event);
    REQUIRE(m.present == values.present);
    REQUIRE(m.truth == values.truth);
    REQUIRE(m.bytes == event::encoded_bytes(values));
    const event::Fault got = encode::check(event, m.present, m.bytes);
    INFO("event " << i << " of kind " << static_cast<int>(values.kind) << ", field " << int{expected.field} << ", rule "
                  << static_cast<int>(expected.rule));
    REQUIRE(got.bad == expected.bad);
    if (encode::plainly_fine(event, m.present, m.bytes)) REQUIRE_FALSE(expected.bad);
    if (expected) {
      REQUIRE(got.rule == expected.rule);
      REQUIRE(got.field == expected.field);
      seen.rules |= 1u << static_cast<unsigned>(expected.rule);
      ++seen.refused;
    }
    if (m.bytes > abi::kEventBytesMax) continue;

    // Not a byte outside of the event, whatever is wrong with it.
    std::vector<std::byte> written(m.bytes + 128, untouched);
    if (encode::write(event, m, {values.stamp, values.sequence}, written.data() + 64)) REQUIRE_FALSE(expected.bad);
    for (std::size_t at = 0; at < 64; ++at) REQUIRE((written[at] == untouched && written[64 + m.bytes + at] == untouched));
    if (expected) continue;
    std::vector<std::byte> reference(event::encoded_bytes(values));
    REQUIRE(event::encode(values, reference.data()) == m.bytes);
    REQUIRE(std::equal(reference.begin(), reference.end(), written.begin() + 64));
    ++seen.good;
  }
  return seen;
}

constexpr unsigned kEvents = 4000;

}  // namespace

TEST_CASE_TEMPLATE("the encoder writes what event::encode writes, and refuses what event::validate refuses", E, AgentRegistration,
                   AgentStatusChange, RoutingDecision, TaskStart, TaskExecution, ConstitutionalValidation, ThinkingBudgetAllocation,
                   ThinkingBudgetUsage, MinimalityEvaluation, ModelJudgment, RlTrainingMetrics, EvaluationOutcome, Event) {
  const Seen seen = compare<E>(20'261'123, kEvents);
  CHECK(seen.good > kEvents / 10);
  CHECK(seen.refused > kEvents / 50);
  CHECK(std::popcount(seen.rules) >= 3);
}

TEST_CASE("strings of every length are copied to the byte, by ones, fours, eights and sixteens") {
  for (std::size_t size = 1; size <= 255; ++size) {
    std::string id(size, 'x');
    for (std::size_t i = 0; i < size; ++i) id[i] = static_cast<char>('!' + i % 90);
    const ThinkingBudgetUsage event{.task_id = id};
    const encode::Measure m = encode::measure(event);
    std::vector<std::byte> written(abi::kEventBytesMax);
    REQUIRE(encode::write(event, m, {1, 1}, written.data()));
    event::Values values;
    REQUIRE(event::decode(std::span(written).first(m.bytes), values) == event::Malformed::none);
    REQUIRE(values.text[schema::field(Kind::thinking_budget_usage, "taskId")].bytes() == id);

    // A byte over 0x7f is seen wherever it stands.
    for (std::size_t i = 0; i < size; ++i) {
      std::string bad = id;
      bad[i] = '\x80';
      const ThinkingBudgetUsage broken{.task_id = bad};
      REQUIRE_FALSE(encode::write(broken, m, {1, 1}, written.data()));
      REQUIRE(encode::check(broken, m.present, m.bytes).rule == abi::Refusal::not_utf8);
    }
  }
}

TEST_CASE("a negative count is out of range, not very large") {
  const ThinkingBudgetUsage event{.task_id = "task-1", .tokens_used = 7, .tokens_allocated = -1};
  const encode::Measure m = encode::measure(event);
  std::vector<std::byte> written(abi::kEventBytesMax);
  CHECK_FALSE(encode::write(event, m, {1, 1}, written.data()));
  const event::Fault fault = encode::check(event, m.present, m.bytes);
  CHECK(fault.bad);
  CHECK(fault.rule == abi::Refusal::out_of_range);
  CHECK(fault.field == schema::field(Kind::thinking_budget_usage, "tokensAllocated"));
}

TEST_CASE("a list of more items than can be counted names the list") {
  const std::vector<std::string_view> many(65'536, "x");
  const AgentRegistration event{.agent_id = "agent-7", .capabilities = many};
  const encode::Measure m = encode::measure(event);
  const event::Fault fault = encode::check(event, m.present, m.bytes);
  CHECK(fault.rule == abi::Refusal::too_many_items);
  CHECK(fault.field == schema::field(Kind::agent_registration, "capabilities"));
}
