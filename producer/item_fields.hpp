// What is done with each field of an item of a list: its bytes counted, written, checked; and the three over all items of a list. For
// items.cpp and c_items.cpp, which know where the items are: each has the templates to itself, so that the compiler inlines them there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "arbiter/fields.hpp"
#include "shm/abi.hpp"
#include "shm/ascii_copy.hpp"
#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter::items {
namespace {

using schema::Field;

// Each of the visitors below is called for every field of an item (arbiter/fields.hpp).

struct Measure {
  std::size_t bytes = 0;

  template <unsigned, bool required = false>
  void item_text(std::string_view value) {
    if (required || value.data() != nullptr) bytes += 2 + value.size();
  }
  template <unsigned, bool required = false>
  void item_word(std::string_view value) {
    if (!value.empty()) bytes += 2 + value.size();
  }
  template <unsigned i, bool required = false, class Known>
  void item_choice(std::string_view value, Known) {
    item_word<i>(value);
  }
  template <unsigned>
  void item_number(Number value) {
    if (value.has_value()) bytes += 8;
  }
};

template <const schema::List& list>
struct Write {
  AsciiCopy<true>& strings;
  char* at;
  std::uint8_t present = 0;
  bool doubt = false;

  template <class T>
  void store(T value) {
    std::memcpy(at, &value, sizeof value);
    at += sizeof value;
  }
  template <unsigned i>
  void string(std::string_view value) {
    present = static_cast<std::uint8_t>(present | 1u << i);
    store(static_cast<std::uint16_t>(value.size()));
    at = strings.copy(at, value);
  }

  template <unsigned i, bool required = false>
  void item_text(std::string_view value) {
    if (required || value.data() != nullptr) string<i>(value);
  }
  template <unsigned i, bool required = false>
  void item_word(std::string_view value) {
    doubt |= value.size() > schema::kWordBytesMax;
    if (!value.empty())
      string<i>(value);
    else
      doubt |= required;
  }
  template <unsigned i, bool required = false, class Known>
  void item_choice(std::string_view value, Known known) {
    doubt |= !known(value);
    item_word<i, required>(value);
  }
  template <unsigned i>
  void item_number(Number value) {
    if (!value.has_value()) return;
    constexpr const Field& f = list.fields[i];
    doubt |= !(*value >= std::max(f.min, std::numeric_limits<double>::lowest()) &&
               *value <= std::min(f.max, std::numeric_limits<double>::max()));
    present = static_cast<std::uint8_t>(present | 1u << i);
    store(value.bits());
  }
};

template <const schema::List& list>
struct Check {
  event::Fault first;

  void note(event::Fault fault) {
    if (!first) first = fault;
  }
  template <unsigned i, bool required = false>
  void item_text(std::string_view value) {
    if (required || value.data() != nullptr) note(event::check_string(list.fields[i], value));
  }
  template <unsigned i, bool required = false>
  void item_word(std::string_view value) {
    if (!value.empty())
      note(event::check_string(list.fields[i], value));
    else if (required)
      note({true, abi::Refusal::missing, event::kNoField});
  }
  template <unsigned i, bool required = false, class Known>
  void item_choice(std::string_view value, Known) {
    item_word<i, required>(value);
  }
  template <unsigned i>
  void item_number(Number value) {
    if (value.has_value()) note(event::check_real(list.fields[i], *value));
  }
};

// --- over all items. Objects, not functions: items.cpp hands them to whoever knows the items' type.

struct BytesOfAll {
  template <const schema::List&>
  std::size_t operator()(const auto& items) const {
    Measure measure{2 + items.size()};
    for (const auto& item : items) fields::each(measure, item);
    return measure.bytes;
  }
};

struct WriteAll {
  AsciiCopy<true>& strings;
  char* to;
  bool& doubt;

  template <const schema::List& list>
  char* operator()(const auto& items) const {
    Write<list> write{strings, to};
    write.store(static_cast<std::uint16_t>(items.size()));
    for (const auto& item : items) {
      char* const present_at = write.at++;
      write.present = 0;
      fields::each(write, item);
      std::memcpy(present_at, &write.present, 1);
    }
    doubt |= write.doubt;
    return write.at;
  }
};

struct CheckAll {
  template <const schema::List& list>
  event::Fault operator()(const auto& items) const {
    if (items.size() > std::numeric_limits<std::uint16_t>::max()) return {true, abi::Refusal::too_many_items, event::kNoField};
    Check<list> check;
    for (const auto& item : items) {
      fields::each(check, item);
      if (check.first) break;
    }
    return check.first;
  }
};

}  // namespace
}  // namespace arbiter::items
