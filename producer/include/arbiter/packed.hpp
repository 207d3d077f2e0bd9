// What a record call hands to the library: only the fields that are given, one behind the other. Not for callers; Producer::record makes
// it.
//
// It is made where the call stands, by the compiler: fields that are not given there cost nothing, numbers that are known there have been
// looked at when the program was built, and the struct itself never exists. The library sees two short arrays, whatever the kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include <arbiter/events.hpp>
#include <arbiter/fields.hpp>

namespace arbiter::packed {

// The items of a list, of which a kind has one at most.
enum class Items : std::uint8_t { none, texts, alternatives, violations, scores, c_texts, c_alternatives, c_violations, c_scores };

// A string; or a list's items, `size` of them. Of a list of C's: the struct that says where its items are.
struct Bytes {
  const void* data;
  std::size_t size;
};

// One event. Part of the library's binary interface: fields are appended, never moved.
struct Event {
  std::uint16_t kind;
  std::uint8_t numbers, strings;  // how many of each
  Items items;                    // of what the list is made, if there is one;
  std::uint8_t list;              // which of the strings it is
  bool makes_id;                  // the first string is the event's own id and is to be made by the library
  bool doubt;                     // some value may break a rule: the library is to look at all of them
  std::uint32_t present, truth;   // as in the event's head
  std::int64_t time_ns;
  std::size_t string_bytes;     // of all strings; of the list, nothing
  const std::uint64_t* number;  // counts, times and the bits of doubles, in the order of their fields
  Bytes* string;                // strings and lists, in the order of theirs
};

// What a kind has at most.
inline constexpr unsigned kNumbersMax = 12, kStringsMax = 12;

// Fills one in.
class Packer {
 public:
  [[gnu::always_inline]] explicit Packer(std::uint16_t kind) noexcept {
    event_.kind = kind;
    event_.items = Items::none;
    event_.list = 0;
    event_.makes_id = false;
  }

  [[gnu::always_inline]] Event& event() noexcept {
    event_.numbers = static_cast<std::uint8_t>(numbers_);
    event_.strings = static_cast<std::uint8_t>(strings_);
    event_.doubt = doubt_;
    event_.present = present_;
    event_.truth = truth_;
    event_.string_bytes = string_bytes_;
    event_.number = number_;
    event_.string = string_;
    return event_;
  }

  // --- what fields::each calls. An id, word or JSON left empty is not given; a text is, unless it points nowhere.

  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void id(std::string_view value) noexcept {
    word<field, required>(value);
  }
  template <unsigned field>
  [[gnu::always_inline]] void own_id(std::string_view value) noexcept {
    event_.makes_id = value.empty();
    doubt_ |= value.size() > kWordBytesMax;
    put<field>(value.data(), value.size());
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void word(std::string_view value) noexcept {
    if (!value.empty()) {
      doubt_ |= value.size() > kWordBytesMax;
      put<field>(value.data(), value.size());
    } else if constexpr (required) {
      doubt_ = true;
    }
  }
  template <unsigned field, bool required = false, class Known>
  [[gnu::always_inline]] void choice(std::string_view value, Known known) noexcept {
    doubt_ |= !known(value) && (required || !value.empty());
    word<field>(value);
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void json(std::string_view value) noexcept {
    if (!value.empty() || required) doubt_ = true;
    if (!value.empty()) put<field>(value.data(), value.size());
  }
  template <unsigned field>
  [[gnu::always_inline]] void hex(std::string_view value) noexcept {
    json<field>(value);
  }
  template <unsigned field>
  [[gnu::always_inline]] void text(std::string_view value) noexcept {
    if (value.data() != nullptr) put<field>(value.data(), value.size());
  }
  template <unsigned field, class T>
  [[gnu::always_inline]] void list(const List<T>& items) noexcept {
    if (items.has_value()) this->items<field>(items_of(static_cast<const T*>(nullptr)), items.begin(), items.size());
  }
  template <unsigned field>
  [[gnu::always_inline]] void items(Items kind, const void* data, std::size_t size) noexcept {
    event_.items = kind;
    event_.list = static_cast<std::uint8_t>(strings_);
    present_ |= std::uint32_t{1} << field;
    string_[strings_++] = {data, size};
  }

  template <unsigned field>
  [[gnu::always_inline]] void number(Number value) noexcept {
    real<field>(value, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
  }
  template <unsigned field>
  [[gnu::always_inline]] void amount(Number value) noexcept {
    real<field>(value, 0, std::numeric_limits<double>::max());
  }
  template <unsigned field>
  [[gnu::always_inline]] void share(Number value) noexcept {
    real<field>(value, 0, 1);
  }
  template <unsigned field>
  [[gnu::always_inline]] void count(Count value) noexcept {
    if (!value.has_value()) return;
    doubt_ |= value.out_of_range();
    put<field>(value.value());
  }
  template <unsigned field>
  [[gnu::always_inline]] void time(UnixTimeNs value) noexcept {
    if (value.has_value()) put<field>(static_cast<std::uint64_t>(*value));
  }
  template <unsigned field, bool required = false>
  [[gnu::always_inline]] void flag(Flag value) noexcept {
    if (value.has_value()) {
      present_ |= std::uint32_t{1} << field;
      truth_ |= std::uint32_t{*value} << field;
    } else if constexpr (required) {
      doubt_ = true;
    }
  }
  // When it happened, as the caller says; not a field of the table.
  [[gnu::always_inline]] void occurred(UnixTimeNs value) noexcept { event_.time_ns = *value; }

 private:
  static constexpr std::size_t kWordBytesMax = 255;

  static constexpr Items items_of(const std::string_view*) noexcept { return Items::texts; }
  static constexpr Items items_of(const Alternative*) noexcept { return Items::alternatives; }
  static constexpr Items items_of(const Violation*) noexcept { return Items::violations; }
  static constexpr Items items_of(const Score*) noexcept { return Items::scores; }

  template <unsigned field>
  [[gnu::always_inline]] void put(const void* data, std::size_t size) noexcept {
    present_ |= std::uint32_t{1} << field;
    string_[strings_++] = {data, size};
    string_bytes_ += size;
  }
  template <unsigned field>
  [[gnu::always_inline]] void put(std::uint64_t value) noexcept {
    present_ |= std::uint32_t{1} << field;
    number_[numbers_++] = value;
  }
  template <unsigned field>
  [[gnu::always_inline]] void real(Number value, double least, double greatest) noexcept {
    if (!value.has_value()) return;
    doubt_ |= !(*value >= least && *value <= greatest);  // what is no number is in no range
    put<field>(value.bits());
  }

  std::uint32_t present_ = 0, truth_ = 0;
  unsigned numbers_ = 0, strings_ = 0;
  std::size_t string_bytes_ = 0;
  bool doubt_ = false;
  Event event_;
  std::uint64_t number_[kNumbersMax];
  Bytes string_[kStringsMax];
};

}  // namespace arbiter::packed
