// From the structs of C to what the library records: which struct is which, and how their members are read. The fields themselves are said
// once, in arbiter/fields.hpp, for both languages.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "arbiter/events.h"
#include "arbiter/events.hpp"
#include "arbiter/fields.hpp"
#include "arbiter/packed.hpp"

// Of the kinds that have an id of their own, and of the others: the C++ struct, and the rest of the C struct's name.
#define ARBITER_KINDS_WITH_ID(X)       \
  X(RoutingDecision, routing_decision) \
  X(TaskStart, task_start)
#define ARBITER_KINDS_WITHOUT_ID(X)                       \
  X(AgentRegistration, agent_registration)                \
  X(AgentStatusChange, agent_status_change)               \
  X(TaskExecution, task_execution)                        \
  X(ConstitutionalValidation, constitutional_validation)  \
  X(ThinkingBudgetAllocation, thinking_budget_allocation) \
  X(ThinkingBudgetUsage, thinking_budget_usage)           \
  X(MinimalityEvaluation, minimality_evaluation)          \
  X(ModelJudgment, model_judgment)                        \
  X(RlTrainingMetrics, rl_training_metrics)               \
  X(EvaluationOutcome, evaluation_outcome)                \
  X(Event, event)

namespace arbiter::fields {
#define ARBITER_SAME(Struct, name) \
  template <>                      \
  inline constexpr bool kSame<Struct, arbiter_##name> = true;
ARBITER_KINDS_WITH_ID(ARBITER_SAME)
ARBITER_KINDS_WITHOUT_ID(ARBITER_SAME)
ARBITER_SAME(Outcome, outcome)
#undef ARBITER_SAME
}  // namespace arbiter::fields

namespace arbiter::c {

// --- values

[[gnu::always_inline]] inline std::string_view value(const arbiter_string& s) noexcept {
  if (s.data == nullptr) return {};
  if (s.size > PTRDIFF_MAX) [[unlikely]]
    return s.data;
  return {s.data, s.size};
}
inline Number value(const arbiter_number& n) noexcept { return n.given != 0 ? Number(n.value) : Number(); }
inline Count value(const arbiter_count& n) noexcept { return n.given != 0 ? Count(n.value) : Count(); }
inline Flag value(const arbiter_flag& f) noexcept { return f.given != 0 ? Flag(f.value != 0) : Flag(); }
inline UnixTimeNs value(const arbiter_time& t) noexcept { return t.given != 0 ? UnixTimeNs(t.unix_ns) : UnixTimeNs(); }

inline Alternative value(const arbiter_alternative& a) noexcept {
  return {.agent_id = value(a.agent_id), .score = value(a.score), .probability = value(a.probability), .reason = value(a.reason)};
}
inline Violation value(const arbiter_violation& v) noexcept {
  return {.severity = value(v.severity), .message = value(v.message), .rule = value(v.rule)};
}
inline Score value(const arbiter_score& s) noexcept { return {.name = value(s.name), .value = s.value}; }

// --- sizes: what the head of events.h says of them

inline constexpr std::size_t kStructBytesMin = 8, kStructBytesMax = 4096;

constexpr bool plausible_size(std::size_t size) noexcept { return size >= kStructBytesMin && size <= kStructBytesMax; }

// Of a struct or an item that is larger than the library's own: is the rest of it zeros?
inline bool rest_is_zeros(const void* at, std::size_t size, std::size_t known) noexcept {
  const auto* const bytes = static_cast<const unsigned char*>(at);
  return std::all_of(bytes + known, bytes + size, [](unsigned char byte) { return byte == 0; });
}

// As much of it as there is and is known; the rest not given.
template <class C>
C resized(const void* at, std::size_t size) noexcept {
  C whole{};
  std::memcpy(&whole, at, std::min(size, sizeof whole));
  return whole;
}

// --- lists

// The items of one of C's lists, as those of C++.
template <class C>
class Items {
 public:
  class Iterator {
   public:
    Iterator(const std::byte* at, std::size_t step) noexcept : at_(at), step_(step) {}
    auto operator*() const noexcept {
      if (step_ >= sizeof(C)) [[likely]]
        return value(*reinterpret_cast<const C*>(at_));
      return value(resized<C>(at_, step_));
    }
    Iterator& operator++() noexcept {
      at_ += step_;
      return *this;
    }
    bool operator!=(const Iterator& other) const noexcept { return at_ != other.at_; }

   private:
    const std::byte* at_;
    std::size_t step_;
  };

  template <class List>
  explicit Items(const List& list) noexcept
      : begin_(reinterpret_cast<const std::byte*>(list.items)), count_(list.count), step_(list.item_size) {}

  std::size_t size() const noexcept { return count_; }
  Iterator begin() const noexcept { return {begin_, step_}; }
  Iterator end() const noexcept { return {begin_ + count_ * step_, step_}; }

 private:
  const std::byte* begin_;
  std::size_t count_, step_;
};

// Can the list be read?
template <class List>
bool readable(const List& list) noexcept {
  constexpr std::size_t known = sizeof *list.items;
  const std::size_t count = list.count, size = list.item_size;
  if (size == known || count == 0) return true;
  if (!plausible_size(size)) return false;
  if (size < known || count > UINT16_MAX) return true;  // too many items are refused without a look at them
  const auto* item = reinterpret_cast<const std::byte*>(list.items);
  for (std::size_t i = 0; i < count; ++i, item += size)
    if (!rest_is_zeros(item, size, known)) return false;
  return true;
}

// --- events

// Where a packed event's numbers and strings go.
struct Room {
  packed::Event event;
  std::uint64_t number[packed::kNumbersMax];
  packed::Bytes string[packed::kStringsMax];
};

// Packs a struct of C: what fields::each is given for one. It comes to what packed::Packer comes to, another way: here nothing is known
// when the library is compiled, and a field that is not given must cost next to nothing. What it counts with is kept apart from the room
// that the library is handed, so that it stays in registers.
class Packer {
 public:
  [[gnu::always_inline]] Packer(std::uint16_t kind, Room& room) noexcept : room_(room), number_(room.number), string_(room.string) {
    room.event.kind = kind;
    room.event.items = packed::Items::none;
    room.event.list = 0;
    room.event.makes_id = false;
  }

  // A list was given that cannot be read.
  bool bad_list() const noexcept { return bad_list_; }

  [[gnu::always_inline]] packed::Event& event() noexcept {
    packed::Event& event = room_.event;
    event.numbers = static_cast<std::uint8_t>(number_ - room_.number);
    event.strings = static_cast<std::uint8_t>(string_ - room_.string);
    event.doubt = doubt_;
    event.present = present_;
    event.truth = truth_;
    event.string_bytes = string_bytes_;
    event.number = room_.number;
    event.string = room_.string;
    return event;
  }

  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void id(const arbiter_string& s) noexcept {
    word<field, required>(s);
  }
  template <unsigned field>
  [[gnu::always_inline]] void own_id(const arbiter_string& s) noexcept {
    const std::string_view id = value(s);
    room_.event.makes_id = id.empty();
    doubt_ |= id.size() > kWordBytesMax;
    put<field>(id);
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void word(const arbiter_string& s) noexcept {
    if (s.data == nullptr) {
      doubt_ |= required;
      return;
    }
    std::size_t size = s.size;
    if (size - 1 >= kWordBytesMax) [[unlikely]] {  // empty, too long, or to be measured yet
      size = value(s).size();
      doubt_ |= size > kWordBytesMax || (required && size == 0);
      if (size == 0) return;
    }
    put<field>({s.data, size});
  }
  template <unsigned field, bool required = false, class Known>
  [[gnu::always_inline]] void choice(const arbiter_string& s, Known known) noexcept {
    doubt_ |= s.data != nullptr && !known(value(s));
    word<field, required>(s);
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void json(const arbiter_string& s) noexcept {
    doubt_ |= required;
    if (s.data == nullptr) return;
    const std::string_view text = value(s);
    if (text.empty()) return;
    doubt_ = true;
    put<field>(text);
  }
  template <unsigned field>
  [[gnu::always_inline]] void hex(const arbiter_string& s) noexcept {
    json<field>(s);
  }
  template <unsigned field>
  [[gnu::always_inline]] void text(const arbiter_string& s) noexcept {
    if (s.data != nullptr) put<field>(value(s));
  }

  // Of the numbers, the bits are compared: those of doubles that are not negative stand in their order. Doubt is settled by the exact rule.
  template <unsigned field>
  [[gnu::always_inline]] void number(const arbiter_number& n) noexcept {
    real<field>(n, [](std::uint64_t bits) { return bits << 1 < kInfinityBits << 1; });
  }
  template <unsigned field>
  [[gnu::always_inline]] void amount(const arbiter_number& n) noexcept {
    real<field>(n, [](std::uint64_t bits) { return bits < kInfinityBits; });
  }
  template <unsigned field>
  [[gnu::always_inline]] void share(const arbiter_number& n) noexcept {
    real<field>(n, [](std::uint64_t bits) { return bits <= std::bit_cast<std::uint64_t>(1.0); });
  }
  template <unsigned field>
  [[gnu::always_inline]] void count(const arbiter_count& n) noexcept {
    if (n.given == 0) return;
    doubt_ |= n.value < 0;
    put<field>(n.value < 0 ? UINT64_MAX : static_cast<std::uint64_t>(n.value));
  }
  template <unsigned field>
  [[gnu::always_inline]] void time(const arbiter_time& t) noexcept {
    if (t.given != 0) put<field>(static_cast<std::uint64_t>(t.unix_ns));
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void flag(const arbiter_flag& f) noexcept {
    if (f.given != 0) {
      present_ |= std::uint32_t{1} << field;
      truth_ |= std::uint32_t{f.value != 0} << field;
    } else {
      doubt_ |= required;
    }
  }
  [[gnu::always_inline]] void occurred(const arbiter_time& t) noexcept { room_.event.time_ns = *value(t); }

  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_strings& l) noexcept {
    items<field>(packed::Items::c_texts, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_alternatives& l) noexcept {
    items<field>(packed::Items::c_alternatives, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_violations& l) noexcept {
    items<field>(packed::Items::c_violations, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_scores& l) noexcept {
    items<field>(packed::Items::c_scores, l);
  }

  // What a run keeps of its start is in types of C++.
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void id(std::string_view s) noexcept {
    word<field, required>(arbiter_string{s.data(), s.size()});
  }
  template <unsigned field>
  [[gnu::always_inline]] void word(std::string_view s) noexcept {
    word<field, false>(arbiter_string{s.data(), s.size()});
  }
  template <unsigned field>
  [[gnu::always_inline]] void time(UnixTimeNs t) noexcept {
    if (t) put<field>(static_cast<std::uint64_t>(*t));
  }
  template <unsigned field>
  [[gnu::always_inline]] void count(std::uint64_t ticks) noexcept {
    put<field>(ticks);
  }

 private:
  template <unsigned field>
  [[gnu::always_inline]] void put(std::string_view text) noexcept {
    present_ |= std::uint32_t{1} << field;
    *string_++ = {text.data(), text.size()};
    string_bytes_ += text.size();
  }
  template <unsigned field>
  [[gnu::always_inline]] void put(std::uint64_t bits) noexcept {
    present_ |= std::uint32_t{1} << field;
    *number_++ = bits;
  }

  static constexpr std::size_t kWordBytesMax = 255;
  static constexpr std::uint64_t kInfinityBits = 0x7ff0'0000'0000'0000;

  template <unsigned field, class Fine>
  [[gnu::always_inline]] void real(const arbiter_number& n, Fine fine) noexcept {
    if (n.given == 0) return;
    const auto bits = std::bit_cast<std::uint64_t>(n.value);
    doubt_ |= !fine(bits);
    put<field>(bits);
  }
  template <unsigned field, class List>
  [[gnu::always_inline]] void items(packed::Items kind, const List& list) noexcept {
    if (list.items == nullptr) return;
    bad_list_ = !readable(list);
    room_.event.items = kind;
    room_.event.list = static_cast<std::uint8_t>(string_ - room_.string);
    present_ |= std::uint32_t{1} << field;
    *string_++ = {&list, list.count};
  }

  Room& room_;
  std::uint64_t* number_;
  packed::Bytes* string_;
  std::size_t string_bytes_ = 0;
  std::uint32_t present_ = 0, truth_ = 0;
  bool doubt_ = false, bad_list_ = false;
};

}  // namespace arbiter::c
