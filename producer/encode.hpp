// From a public struct to the bytes of event.hpp, in one pass and straight into the lane: no buffer in between, no allocation, no
// exception.
//
//   measure(event)        which fields are given, how many bytes they take: additions only, no look into a string
//   write(event, …)       the bytes, and whether every value is *plainly* fine (ASCII, in range, no JSON, no word out of a fixed choice)
//   plainly_fine(event)   the same without the bytes, for an event that there is no room for
//   check(event, …)       the exact rules of event::validate, value by value; called when one of the others was in doubt
//
// They are written once, over the lists of describe.hpp; event::encode and event::validate say what they have to come to.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <type_traits>

#include "arbiter/events.hpp"
#include "producer/copy.hpp"
#include "producer/describe.hpp"
#include "shm/abi.hpp"
#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter::encode {

using schema::Field;
using schema::Type;

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<List<T>> = true;

// Does this C++ type hold a field of that type of the table?
template <class T>
constexpr bool fits(const Field& f) {
  if constexpr (std::is_same_v<T, std::string_view>)
    return f.string();
  else if constexpr (std::is_same_v<T, Flag>)
    return f.type == Type::boolean;
  else if constexpr (std::is_same_v<T, Count>)
    return f.type == Type::count;
  else if constexpr (std::is_same_v<T, UnixTimeNs>)
    return f.type == Type::time;
  else if constexpr (is_list<T>)
    return f.type == Type::list;
  else
    return f.type == Type::real;  // Number, or the plain double of a Score
}

// Is the field given? Empty text is text, as long as it points somewhere; an empty id, word or JSON is nothing.
template <class At, class T>
inline bool given(const T& value) {
  static_assert(fits<T>(At::field));
  if constexpr (std::is_same_v<T, double>)
    return true;
  else if constexpr (!std::is_same_v<T, std::string_view>)
    return value.has_value();
  else if constexpr (At::field.type == Type::text)
    return value.data() != nullptr;
  else
    return !value.empty();
}

// In a list, a string that the item cannot be without is there even when it is empty: the rule for it then says what is wrong.
template <class At, class T>
inline bool item_given(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>)
    if (At::field.path.empty() && At::field.type == Type::text) return true;
  return given<At>(value);
}

// The eight bytes in which a number is stored.
constexpr std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }
inline std::uint64_t bits(const Number& value) { return bits(*value); }
inline std::uint64_t bits(const UnixTimeNs& value) { return static_cast<std::uint64_t>(*value); }
inline std::uint64_t bits(const Count& value) { return value.value(); }
constexpr double real(double value) { return value; }
inline double real(const Number& value) { return *value; }

// --- measure

struct Measure {
  std::size_t bytes = sizeof(abi::EventHead);  // of the whole event
  std::uint32_t number_bytes = 0;              // of its numbers,
  std::uint32_t length_bytes = 0;              // and of the lengths of its strings and lists
  std::uint32_t present = 0;
  std::uint32_t truth = 0;
};

template <class T>
std::size_t list_bytes(const List<T>& items) {
  std::size_t bytes = 2;
  for (const T& item : items) {
    bytes += 1;
    describe::item<T>::fields::each([&]<class At>() {
      const auto& value = At::get(item);
      if (!item_given<At>(value)) return;
      if constexpr (At::field.string())
        bytes += 2 + value.size();
      else
        bytes += 8;
    });
  }
  return bytes;
}

template <class E>
[[gnu::always_inline]] inline Measure measure(const E& event) {
  using fields = typename describe::of<E>::fields;
  static_assert(fields::ascending);
  Measure m;
  std::size_t string_bytes = 0;
  fields::each([&]<class At>() __attribute__((always_inline)) {
    const auto& value = At::get(event);
    const bool is_given = given<At>(value);
    m.present |= std::uint32_t{is_given} << At::index;
    if constexpr (At::field.type == Type::boolean) {
      m.truth |= std::uint32_t{value.value_or(false)} << At::index;
    } else if constexpr (At::field.fixed()) {
      m.number_bytes += is_given ? 8 : 0;
    } else if constexpr (At::field.string()) {
      m.length_bytes += is_given ? 2 : 0;
      string_bytes += value.size();  // 0 if it is not given
    } else if (is_given) {
      m.length_bytes += 2;
      string_bytes += list_bytes(value);
    }
  });
  m.bytes += m.number_bytes + m.length_bytes + string_bytes;
  return m;
}

// --- check

inline event::Fault fault(abi::Refusal rule) { return {true, rule, event::kNoField}; }

template <class T>
event::Fault check_list(const List<T>& items) {
  if (items.size() > std::numeric_limits<std::uint16_t>::max()) return fault(abi::Refusal::too_many_items);
  event::Fault bad;
  for (const T& item : items) {
    const bool found = describe::item<T>::fields::any([&]<class At>() {
      const auto& value = At::get(item);
      if (!item_given<At>(value)) {
        if constexpr (At::field.required) bad = fault(abi::Refusal::missing);
      } else if constexpr (At::field.string()) {
        bad = event::check_string(At::field, value);
      } else {
        bad = event::check_real(At::field, real(value));
      }
      return bad.bad;
    });
    if (found) return bad;
  }
  return {};
}

// In the order of event::validate: what is missing, then each value, then the size.
template <class E>
[[gnu::noinline]] event::Fault check(const E& event, std::uint32_t present, std::size_t bytes) {
  const std::uint32_t missing = schema::masks(describe::of<E>::kind).required & ~present;
  if (missing != 0) return {true, abi::Refusal::missing, static_cast<std::uint8_t>(std::countr_zero(missing))};
  event::Fault bad;
  const bool found = describe::of<E>::fields::any([&]<class At>() {
    const auto& value = At::get(event);
    if (!given<At>(value)) return false;
    if constexpr (At::field.type == Type::list)
      bad = check_list(value);
    else if constexpr (At::field.string())
      bad = event::check_string(At::field, value);
    else if constexpr (At::field.type == Type::real)
      bad = event::check_real(At::field, real(value));
    else if constexpr (At::field.type == Type::count)
      bad = value.out_of_range() ? fault(abi::Refusal::out_of_range) : event::Fault{};
    if (bad) bad.field = static_cast<std::uint8_t>(At::index);
    return bad.bad;
  });
  if (found) return bad;
  if (bytes > abi::kEventBytesMax) return fault(abi::Refusal::event_too_large);
  return {};
}

// --- write

// Where writing has got to, and whether anything was not plainly fine. Without storing, only the latter.
template <bool kStore>
struct Writer {
  AsciiCopy<kStore> strings;
  std::byte* number_at = nullptr;
  std::byte* length_at = nullptr;
  char* string_at = nullptr;
  std::uint32_t doubt = 0;

  template <class T>
  static void store(auto*& at, T value) {
    if constexpr (kStore) {
      std::memcpy(at, &value, sizeof value);
      at += sizeof value;
    }
  }

  template <class At>
  void look_at(double value) {
    constexpr const Field& f = At::field;
    constexpr double low = std::max(f.min, std::numeric_limits<double>::lowest());
    constexpr double high = std::min(f.max, std::numeric_limits<double>::max());
    doubt |= std::uint32_t{!(value >= low && value <= high)};  // NaN is in no range
  }

  template <class At>
  void look_at(std::string_view value) {
    constexpr const Field& f = At::field;
    if constexpr (f.type == Type::id || f.type == Type::word) doubt |= std::uint32_t{value.size() - 1 >= schema::kWordBytesMax};
    if constexpr (f.type == Type::json || f.type == Type::hex || !f.choices.empty()) doubt |= 1;
  }

  template <class At>
  [[gnu::always_inline]] void string(std::string_view value) {
    look_at<At>(value);
    store(length_at, static_cast<std::uint16_t>(value.size()));
    string_at = strings.copy(string_at, value);
  }

  template <class T>
  void list(const List<T>& items) {
    char* const begin = string_at;
    doubt |= std::uint32_t{items.size() > std::numeric_limits<std::uint16_t>::max()};
    store(string_at, static_cast<std::uint16_t>(items.size()));
    for (const T& item : items) {
      char* const present_at = string_at;
      std::uint8_t present = 0;
      store(string_at, present);
      describe::item<T>::fields::each([&]<class At>() {
        const auto& value = At::get(item);
        if (!item_given<At>(value)) {
          if constexpr (At::field.required) doubt |= 1;
          return;
        }
        present = static_cast<std::uint8_t>(present | 1u << At::index);
        if constexpr (At::field.string()) {
          look_at<At>(value);
          store(string_at, static_cast<std::uint16_t>(value.size()));
          string_at = strings.copy(string_at, value);
        } else {
          look_at<At>(real(value));
          store(string_at, bits(value));
        }
      });
      if constexpr (kStore) std::memcpy(present_at, &present, 1);
    }
    store(length_at, static_cast<std::uint16_t>(string_at - begin));
  }

  template <class E>
  [[gnu::always_inline]] bool all(const E& event, std::uint32_t given_fields) {
    doubt = schema::masks(describe::of<E>::kind).required & ~given_fields;
    describe::of<E>::fields::each_of(
        given_fields, [&]<class At>() __attribute__((always_inline)) {
          if constexpr (At::field.type != Type::boolean) {
            const auto& value = At::get(event);
            if constexpr (At::field.fixed()) {
              if constexpr (At::field.type == Type::real) look_at<At>(real(value));
              if constexpr (At::field.type == Type::count) doubt |= std::uint32_t{value.out_of_range()};
              store(number_at, bits(value));
            } else if constexpr (At::field.string()) {
              string<At>(value);
            } else {
              list(value);
            }
          }
        });
    return doubt == 0 && strings.all_ascii();
  }
};

struct Stamp {
  std::uint64_t ticks;
  std::uint64_t sequence;
};

// Writes the event's m.bytes, at most kEventBytesMax, to `out`. True: every value is fine. False: ask check().
template <class E>
[[gnu::always_inline]] inline bool write(const E& event, const Measure& m, const Stamp& stamp, std::byte* out) {
  // Field by field: a head built on the stack and copied in wider pieces than it was stored in would wait for each of those stores.
  const auto put = [out](std::size_t offset, auto value) { std::memcpy(out + offset, &value, sizeof value); };
  using Head = abi::EventHead;
  put(offsetof(Head, stamp), stamp.ticks);
  put(offsetof(Head, sequence), stamp.sequence);
  const UnixTimeNs& time = describe::of<E>::time(event);
  put(offsetof(Head, time_ns), *time);  // not given is kNoTime
  static_assert(abi::kNoTime == std::numeric_limits<std::int64_t>::min());
  put(offsetof(Head, present), m.present);
  put(offsetof(Head, truth), m.truth);
  put(offsetof(Head, length), static_cast<std::uint32_t>(m.bytes));
  put(offsetof(Head, kind), static_cast<std::uint32_t>(describe::of<E>::kind));  // and `reserved`
  static_assert(offsetof(Head, reserved) == offsetof(Head, kind) + 2 && sizeof(Head::reserved) == 2);
  Writer<true> w;
  w.number_at = out + sizeof(Head);
  w.length_at = w.number_at + m.number_bytes;
  w.string_at = reinterpret_cast<char*>(w.length_at + m.length_bytes);
  return w.all(event, m.present);
}

template <class E>
[[gnu::noinline]] bool plainly_fine(const E& event, std::uint32_t present, std::size_t bytes) {
  return bytes <= abi::kEventBytesMax && Writer<false>().all(event, present);
}

}  // namespace arbiter::encode
