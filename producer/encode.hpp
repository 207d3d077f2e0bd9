// From a public struct to the bytes of event.hpp, in one pass and straight into the lane: no buffer in between, no allocation, no
// exception.
//
//   measure(event)        which fields are given, how many bytes they take: additions only, no look into a string
//   write(event, …)       the bytes, and whether every value is *plainly* fine (ASCII, in range, no JSON, no word out of a fixed choice)
//   check(event, …)       the exact rules of event::validate, value by value; called when write() was in doubt or there is no room to write
//
// The three are written once, over the lists of describe.hpp; event::encode and event::validate say what they have to come to.
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
constexpr bool given(const T& value) {
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
constexpr bool item_given(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>)
    if (At::field.path.empty() && At::field.type == Type::text) return true;
  return given<At>(value);
}

// The eight bytes in which a number is stored.
constexpr std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }
constexpr std::uint64_t bits(const Number& value) { return bits(*value); }
constexpr std::uint64_t bits(const UnixTimeNs& value) { return static_cast<std::uint64_t>(*value); }
constexpr std::uint64_t bits(const Count& value) { return value.value(); }
constexpr double real(double value) { return value; }
constexpr double real(const Number& value) { return *value; }

// --- measure

struct Measure {
  std::size_t bytes = sizeof(abi::EventHead);
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
  fields::each([&]<class At>() __attribute__((always_inline)) {
    const auto& value = At::get(event);
    const bool is_given = given<At>(value);
    m.present |= std::uint32_t{is_given} << At::index;
    if constexpr (At::field.type == Type::boolean)
      m.truth |= std::uint32_t{value.value_or(false)} << At::index;
    else if constexpr (At::field.fixed())
      m.bytes += is_given ? 8 : 0;
    else if constexpr (At::field.string())
      m.bytes += is_given ? 2 + value.size() : 0;
    else if (is_given)
      m.bytes += 2 + list_bytes(value);
  });
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
[[gnu::noinline]] event::Fault check(const E& event, const Measure& m) {
  const std::uint32_t missing = schema::masks(describe::of<E>::kind).required & ~m.present;
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
      bad = value.negative() ? fault(abi::Refusal::out_of_range) : event::Fault{};
    if (bad) bad.field = static_cast<std::uint8_t>(At::index);
    return bad.bad;
  });
  if (found) return bad;
  if (m.bytes > abi::kEventBytesMax) return fault(abi::Refusal::event_too_large);
  return {};
}

// --- write

// Where writing has got to, and whether anything was not plainly fine.
struct Writer {
  AsciiCopy strings;
  std::byte* number_at;
  std::byte* length_at;
  char* string_at;
  std::uint32_t doubt = 0;

  void number(std::uint64_t value) {
    std::memcpy(number_at, &value, 8);
    number_at += 8;
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
  void string(std::string_view value) {
    look_at<At>(value);
    const auto size = static_cast<std::uint16_t>(value.size());
    std::memcpy(length_at, &size, 2);
    length_at += 2;
    string_at = strings.copy(string_at, value);
  }

  template <class T>
  void list(const List<T>& items) {
    char* const begin = string_at;
    const auto count = static_cast<std::uint16_t>(items.size());
    doubt |= std::uint32_t{items.size() != count};
    std::memcpy(string_at, &count, 2);
    string_at += 2;
    for (const T& item : items) {
      char* const present_at = string_at++;
      unsigned present = 0;
      describe::item<T>::fields::each([&]<class At>() {
        const auto& value = At::get(item);
        if (!item_given<At>(value)) {
          if constexpr (At::field.required) doubt |= 1;
          return;
        }
        present |= 1u << At::index;
        look_at<At>(value_of(value));
        if constexpr (At::field.string()) {
          const auto size = static_cast<std::uint16_t>(value.size());
          std::memcpy(string_at, &size, 2);
          string_at = strings.copy(string_at + 2, value);
        } else {
          const std::uint64_t number_bits = bits(value);
          std::memcpy(string_at, &number_bits, 8);
          string_at += 8;
        }
      });
      *present_at = static_cast<char>(present);
    }
    const auto size = static_cast<std::uint16_t>(string_at - begin);
    std::memcpy(length_at, &size, 2);
    length_at += 2;
  }

  static std::string_view value_of(std::string_view value) { return value; }
  static double value_of(double value) { return value; }
  static double value_of(const Number& value) { return *value; }
};

struct Stamp {
  std::uint64_t ticks;
  std::uint64_t sequence;
};

// Writes the event's m.bytes, at most kEventBytesMax, to `out`. True: every value is fine. False: ask check().
template <class E>
[[gnu::always_inline]] inline bool write(const E& event, const Measure& m, const Stamp& stamp, std::byte* out) {
  using fields = typename describe::of<E>::fields;
  constexpr schema::Masks masks = schema::masks(describe::of<E>::kind);
  Writer w;
  w.number_at = out + sizeof(abi::EventHead);
  w.length_at = w.number_at + 8 * std::popcount(m.present & masks.fixed);
  w.string_at = reinterpret_cast<char*>(w.length_at + 2 * std::popcount(m.present & masks.sized));
  w.doubt = masks.required & ~m.present;
  fields::each([&]<class At>() __attribute__((always_inline)) {
    const auto& value = At::get(event);
    if constexpr (At::field.type != Type::boolean) {
      if (!given<At>(value)) return;
      if constexpr (At::field.fixed()) {
        if constexpr (At::field.type == Type::real) w.template look_at<At>(real(value));
        if constexpr (At::field.type == Type::count) w.doubt |= std::uint32_t{value.negative()};
        w.number(bits(value));
      } else if constexpr (At::field.string()) {
        w.template string<At>(value);
      } else {
        w.list(value);
      }
    }
  });
  const abi::EventHead head{stamp.ticks,
                            stamp.sequence,
                            event.time.value_or(abi::kNoTime),
                            m.present,
                            m.truth,
                            static_cast<std::uint32_t>(m.bytes),
                            static_cast<std::uint16_t>(describe::of<E>::kind),
                            0};
  std::memcpy(out, &head, sizeof head);
  return w.doubt == 0 && w.strings.all_ascii();
}

}  // namespace arbiter::encode
