#include "producer/items.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>

#include "producer/c_fields.hpp"
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

template <class List>
auto c_items(const packed::Bytes& list) {
  return c::Items<std::remove_cvref_t<decltype(*List::items)>>(*static_cast<const List*>(list.data));
}

// work.operator()<list>(items), with the items as what they are.
template <class Work>
auto with_items(const packed::Event& event, Work&& work) {
  const packed::Bytes& list = event.string[event.list];
  switch (event.items) {
    case packed::Items::alternatives:
      return work.template operator()<schema::kAlternatives>(std::span(static_cast<const Alternative*>(list.data), list.size));
    case packed::Items::violations:
      return work.template operator()<schema::kViolations>(std::span(static_cast<const Violation*>(list.data), list.size));
    case packed::Items::scores:
      return work.template operator()<schema::kScores>(std::span(static_cast<const Score*>(list.data), list.size));
    case packed::Items::c_alternatives: return work.template operator()<schema::kAlternatives>(c_items<arbiter_alternatives>(list));
    case packed::Items::c_violations: return work.template operator()<schema::kViolations>(c_items<arbiter_violations>(list));
    case packed::Items::c_scores: return work.template operator()<schema::kScores>(c_items<arbiter_scores>(list));
    case packed::Items::c_texts: return work.template operator()<schema::kCapabilities>(c_items<arbiter_strings>(list));
    case packed::Items::texts:
    case packed::Items::none: break;
  }
  return work.template operator()<schema::kCapabilities>(std::span(static_cast<const std::string_view*>(list.data), list.size));
}

}  // namespace

std::size_t bytes(const packed::Event& event) noexcept {
  return with_items(event, []<const schema::List&>(const auto& items) {
    Measure measure{2 + items.size()};
    for (const auto& item : items) fields::each(measure, item);
    return measure.bytes;
  });
}

char* write(const packed::Event& event, AsciiCopy<true>& strings, char* to, bool& doubt) noexcept {
  return with_items(event, [&]<const schema::List & list>(const auto& items) {
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
  });
}

event::Fault check(const packed::Event& event) noexcept {
  return with_items(event, []<const schema::List & list>(const auto& items) -> event::Fault {
    if (items.size() > std::numeric_limits<std::uint16_t>::max()) return {true, abi::Refusal::too_many_items, event::kNoField};
    Check<list> check;
    for (const auto& item : items) {
      fields::each(check, item);
      if (check.first) break;
    }
    return check.first;
  });
}

}  // namespace arbiter::items
