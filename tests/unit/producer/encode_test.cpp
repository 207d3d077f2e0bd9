// The encoder against event::encode and event::validate, over events made at random.
#include "producer/encode.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <tuple>
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
    Fill<static_cast<Kind>(fields::kKind<E>)> fill{*this};
    fields::each(fill, event);
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

  // fields::each shows the members themselves, and shows them const: here they are written.
  template <class T>
  static T& writable(const T& member) {
    return const_cast<T&>(member);
  }

  template <const std::span<const schema::Field>& table>
  struct FillItem {
    Filler& filler;
    template <unsigned i, bool required = false>
    void item_text(const std::string_view& value) {
      string<i>(value, required);
    }
    template <unsigned i, bool required = false>
    void item_word(const std::string_view& value) {
      string<i>(value, required);
    }
    template <unsigned i, bool required = false, class Known>
    void item_choice(const std::string_view& value, Known) {
      string<i>(value, required);
    }
    template <unsigned i>
    void item_number(const Number& value) {
      if (filler.one_in(2)) writable(value) = filler.real_for(table[i]);
    }
    template <unsigned i>
    void string(const std::string_view& value, bool required) {
      if (required ? !filler.one_in(200) : filler.one_in(2)) writable(value) = filler.string_for(table[i]);
    }
  };
  static constexpr std::span<const schema::Field> kTexts = schema::kCapability, kAlternatives = schema::kAlternative,
                                                  kViolations = schema::kViolation, kScores = schema::kScore;
  void fill_item(std::string_view& item) {
    FillItem<kTexts> fill{*this};
    fields::each(fill, item);
  }
  void fill_item(Alternative& item) {
    FillItem<kAlternatives> fill{*this};
    fields::each(fill, item);
  }
  void fill_item(Violation& item) {
    FillItem<kViolations> fill{*this};
    fields::each(fill, item);
  }
  void fill_item(Score& item) {
    FillItem<kScores> fill{*this};
    fields::each(fill, item);
    item.value = real_for(schema::kScore[1]);
  }

  template <Kind kind>
  struct Fill {
    Filler& filler;
    template <unsigned i>
    bool wanted() {
      return schema::info(kind).fields[i].required ? !filler.one_in(40) : filler.one_in(2);
    }
    template <unsigned i>
    void string(const std::string_view& value) {
      if (wanted<i>()) writable(value) = filler.string_for(schema::info(kind).fields[i]);
    }
    template <unsigned i>
    void real(const Number& value) {
      if (wanted<i>()) writable(value) = filler.real_for(schema::info(kind).fields[i]);
    }
    template <unsigned i, bool = false>
    void id(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i>
    void own_id(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i, bool = false>
    void word(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i, bool = false, class Known>
    void choice(const std::string_view& value, Known) {
      string<i>(value);
    }
    template <unsigned i, bool = false>
    void json(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i>
    void hex(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i>
    void text(const std::string_view& value) {
      string<i>(value);
    }
    template <unsigned i>
    void number(const Number& value) {
      real<i>(value);
    }
    template <unsigned i>
    void amount(const Number& value) {
      real<i>(value);
    }
    template <unsigned i>
    void share(const Number& value) {
      real<i>(value);
    }
    template <unsigned i>
    void count(const Count& value) {
      if (wanted<i>()) writable(value) = std::uint64_t{filler.random_()} << filler.up_to(32);
    }
    template <unsigned i>
    void time(const UnixTimeNs& value) {
      if (wanted<i>()) writable(value) = static_cast<std::int64_t>(filler.random_()) - 1'000'000;
    }
    template <unsigned i, bool = false>
    void flag(const Flag& value) {
      if (wanted<i>()) writable(value) = filler.one_in(2);
    }
    template <unsigned i, class T>
    void list(const List<T>& value) {
      if (!wanted<i>()) return;
      auto& items = std::get<std::deque<std::vector<T>>>(filler.lists_).emplace_back(filler.up_to(filler.one_in(20) ? 200 : 4));
      for (T& item : items) filler.fill_item(item);
      writable(value) = items;
    }
    void occurred(const UnixTimeNs&) {}
  };

  std::mt19937 random_;
  std::deque<std::string> strings_;
  std::tuple<std::deque<std::vector<std::string_view>>, std::deque<std::vector<Alternative>>, std::deque<std::vector<Violation>>,
             std::deque<std::vector<Score>>>
      lists_;
};

constexpr std::string_view kMadeId = "an-id-that-the-library-has-made";

// Does the event have an id of its own that its recorder left to the library?
template <class E>
bool made_id(const E& event) {
  if constexpr (std::is_same_v<E, RoutingDecision>) return event.decision_id.empty();
  if constexpr (std::is_same_v<E, TaskStart>) return event.execution_id.empty();
  return false;
}

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
    if (made_id<E>(event)) values.set_text(0, kMadeId);
    const event::Fault expected = event::validate(values);

    packed::Packer packer(fields::kKind<E>);
    fields::each(packer, event);
    packed::Event& packed = packer.event();
    REQUIRE(packed.makes_id == made_id<E>(event));
    if (packed.makes_id) {
      packed.string[0] = {kMadeId.data(), kMadeId.size()};
      packed.string_bytes += kMadeId.size();
    }
    REQUIRE(packed.present == values.present);
    REQUIRE(packed.truth == values.truth);
    const std::size_t bytes = encode::measure(packed);
    REQUIRE(bytes == event::encoded_bytes(values));
    const event::Fault got = encode::check(packed, bytes);
    INFO("event " << i << " of kind " << static_cast<int>(values.kind) << ", field " << int{expected.field} << ", rule "
                  << static_cast<int>(expected.rule));
    REQUIRE(got.bad == expected.bad);
    if (expected) {
      REQUIRE(got.rule == expected.rule);
      REQUIRE(got.field == expected.field);
      seen.rules |= 1u << static_cast<unsigned>(expected.rule);
      ++seen.refused;
    }
    if (bytes > abi::kEventBytesMax) continue;

    // Not a byte outside of the event, whatever is wrong with it.
    std::vector<std::byte> written(bytes + 128, untouched);
    if (encode::write(packed, bytes, {values.stamp, values.sequence}, written.data() + 64)) REQUIRE_FALSE(expected.bad);
    for (std::size_t at = 0; at < 64; ++at) REQUIRE((written[at] == untouched && written[64 + bytes + at] == untouched));
    if (expected) continue;
    std::vector<std::byte> reference(event::encoded_bytes(values));
    REQUIRE(event::encode(values, reference.data()) == bytes);
    REQUIRE(std::equal(reference.begin(), reference.end(), written.begin() + 64));
    ++seen.good;
  }
  return seen;
}

// One event, written.
struct Encoded {
  template <class E>
  explicit Encoded(const E& event) : written(abi::kEventBytesMax) {
    packed::Packer packer(fields::kKind<E>);
    fields::each(packer, event);
    bytes = encode::measure(packer.event());
    plainly_fine = encode::write(packer.event(), bytes, {1, 1}, written.data());
    fault = encode::check(packer.event(), bytes);
  }
  std::vector<std::byte> written;
  std::size_t bytes;
  bool plainly_fine;
  event::Fault fault;
};

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
    const Encoded good(ThinkingBudgetUsage{.task_id = id});
    REQUIRE(good.plainly_fine);
    event::Values values;
    REQUIRE(event::decode(std::span(good.written).first(good.bytes), values) == event::Malformed::none);
    REQUIRE(values.text[schema::field(Kind::thinking_budget_usage, "taskId")].bytes() == id);

    // A byte over 0x7f is seen wherever it stands.
    for (std::size_t i = 0; i < size; ++i) {
      std::string bad = id;
      bad[i] = '\x80';
      const Encoded broken(ThinkingBudgetUsage{.task_id = bad});
      REQUIRE_FALSE(broken.plainly_fine);
      REQUIRE(broken.fault.rule == abi::Refusal::not_utf8);
    }
  }
}

TEST_CASE("the words that a status and a severity may be are those of the table") {
  const auto all_of = [](const schema::Field& field, bool (*known)(std::string_view)) {
    for (const std::string_view word : field.choices) CHECK(known(word));
    CHECK_FALSE(known(""));
    CHECK_FALSE(known("Busy"));
    CHECK(field.choices.size() == 4);
  };
  all_of(schema::kAgentStatusChange[1], fields::is_status);
  all_of(schema::kViolation[0], fields::is_severity);
}

TEST_CASE("a negative count is out of range, not very large") {
  const Encoded event(ThinkingBudgetUsage{.task_id = "task-1", .tokens_used = 7, .tokens_allocated = -1});
  CHECK_FALSE(event.plainly_fine);
  CHECK(event.fault.bad);
  CHECK(event.fault.rule == abi::Refusal::out_of_range);
  CHECK(event.fault.field == schema::field(Kind::thinking_budget_usage, "tokensAllocated"));
}

TEST_CASE("a list of more items than can be counted names the list") {
  const std::vector<std::string_view> many(65'536, "x");
  const AgentRegistration registration{.agent_id = "agent-7", .capabilities = many};
  packed::Packer packer(fields::kKind<AgentRegistration>);
  fields::each(packer, registration);
  const event::Fault fault = encode::check(packer.event(), encode::measure(packer.event()));
  CHECK(fault.rule == abi::Refusal::too_many_items);
  CHECK(fault.field == schema::field(Kind::agent_registration, "capabilities"));
}
