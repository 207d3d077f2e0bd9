// From the structs of C to what the library records: which struct is which, and how their members are read. The fields themselves are said
// once, in arbiter/fields.hpp, for both languages.
#pragma once

#include <algorithm>
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

// --- events

// What fields::each is given for a struct of C: hands each field on to the packer.
class FromC {
 public:
  [[gnu::always_inline]] explicit FromC(packed::Packer& to) noexcept : to_(to) {}

  // A list was given that cannot be read.
  bool bad_list() const noexcept { return bad_list_; }

  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void id(const arbiter_string& s) noexcept {
    to_.id<field, required>(value(s));
  }
  template <unsigned field>
  [[gnu::always_inline]] void own_id(const arbiter_string& s) noexcept {
    to_.own_id<field>(value(s));
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void word(const arbiter_string& s) noexcept {
    to_.word<field, required>(value(s));
  }
  template <unsigned field, bool required = false, class Known>
  [[gnu::always_inline]] void choice(const arbiter_string& s, Known known) noexcept {
    to_.choice<field, required>(value(s), known);
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void json(const arbiter_string& s) noexcept {
    to_.json<field, required>(value(s));
  }
  template <unsigned field>
  [[gnu::always_inline]] void hex(const arbiter_string& s) noexcept {
    to_.hex<field>(value(s));
  }
  template <unsigned field>
  [[gnu::always_inline]] void text(const arbiter_string& s) noexcept {
    to_.text<field>(value(s));
  }
  template <unsigned field>
  [[gnu::always_inline]] void number(const arbiter_number& n) noexcept {
    to_.number<field>(value(n));
  }
  template <unsigned field>
  [[gnu::always_inline]] void amount(const arbiter_number& n) noexcept {
    to_.amount<field>(value(n));
  }
  template <unsigned field>
  [[gnu::always_inline]] void share(const arbiter_number& n) noexcept {
    to_.share<field>(value(n));
  }
  template <unsigned field>
  [[gnu::always_inline]] void count(const arbiter_count& n) noexcept {
    to_.count<field>(value(n));
  }
  template <unsigned field>
  [[gnu::always_inline]] void time(const arbiter_time& t) noexcept {
    to_.time<field>(value(t));
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void flag(const arbiter_flag& f) noexcept {
    to_.flag<field, required>(value(f));
  }
  [[gnu::always_inline]] void occurred(const arbiter_time& t) noexcept { to_.occurred(value(t)); }

  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_strings& l) noexcept {
    put<field>(packed::Items::c_texts, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_alternatives& l) noexcept {
    put<field>(packed::Items::c_alternatives, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_violations& l) noexcept {
    put<field>(packed::Items::c_violations, l);
  }
  template <unsigned field>
  [[gnu::always_inline]] void list(const arbiter_scores& l) noexcept {
    put<field>(packed::Items::c_scores, l);
  }

 private:
  template <unsigned field, class List>
  [[gnu::always_inline]] void put(packed::Items items, const List& list) noexcept {
    if (list.items == nullptr) return;
    bad_list_ = !readable(list);
    to_.items<field>(items, &list, list.count);
  }
  template <class List>
  static bool readable(const List& list) noexcept {
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

  packed::Packer& to_;
  bool bad_list_ = false;
};

}  // namespace arbiter::c
