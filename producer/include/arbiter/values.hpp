// What a field of an event holds: a value, or nothing. These are what std::optional and std::span are, in half the bytes.
//
// Every record call fills in one of the structs of events.hpp, of which most fields stay empty; so what an empty field costs is paid for by
// every event. Empty is a bit pattern that no value has, and is stored by a constructor, not a constant: g++ clears a struct of constants
// by "rep stos", which is slow to begin, and stores the rest on top.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

namespace arbiter {

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept Real = Integer<T> || std::floating_point<T>;

// A finite number, or not given.
class Number {
 public:
  Number() noexcept : bits_(kNotGiven) {}
  Number(std::nullopt_t) noexcept : Number() {}
  template <Real T>
  Number(T value) noexcept : bits_(std::bit_cast<std::uint64_t>(static_cast<double>(value))) {}
  template <Real T>
  Number(const std::optional<T>& value) noexcept : Number(value ? Number(*value) : Number()) {}

  bool has_value() const noexcept { return bits_ != kNotGiven; }
  explicit operator bool() const noexcept { return has_value(); }
  double operator*() const noexcept { return std::bit_cast<double>(bits_); }  // if has_value()
  std::uint64_t bits() const noexcept { return bits_; }                       // of the double

 private:
  static constexpr std::uint64_t kNotGiven = 0x7ff8'5ca1'ab1e'0ff5;  // a NaN that no arithmetic makes
  std::uint64_t bits_;
};

// Yes, no, or not given.
class Flag {
 public:
  Flag() noexcept : value_(kNotGiven) {}
  Flag(std::nullopt_t) noexcept : Flag() {}
  template <std::same_as<bool> T>
  Flag(T value) noexcept : value_(value ? 1 : 0) {}
  Flag(const std::optional<bool>& value) noexcept : Flag(value ? Flag(*value) : Flag()) {}

  bool has_value() const noexcept { return value_ != kNotGiven; }
  explicit operator bool() const noexcept = delete;        // given, or true? Say which
  bool operator*() const noexcept { return value_ == 1; }  // if has_value()

 private:
  static constexpr std::uint8_t kNotGiven = 2;
  std::uint8_t value_;
};

// A moment, in nanoseconds since 1970-01-01T00:00:00Z, or not given, which is what the least of them says too.
class UnixTimeNs {
 public:
  UnixTimeNs() noexcept : value_(kNotGiven) {}
  UnixTimeNs(std::nullopt_t) noexcept : UnixTimeNs() {}
  template <Integer T>
  UnixTimeNs(T value) noexcept : value_(static_cast<std::int64_t>(value)) {}
  UnixTimeNs(const std::optional<std::int64_t>& value) noexcept : UnixTimeNs(value ? UnixTimeNs(*value) : UnixTimeNs()) {}

  bool has_value() const noexcept { return value_ != kNotGiven; }
  explicit operator bool() const noexcept { return has_value(); }
  std::int64_t operator*() const noexcept { return value_; }  // if has_value()

 private:
  static constexpr std::int64_t kNotGiven = std::numeric_limits<std::int64_t>::min();
  std::int64_t value_;
};

// A whole number of things, 0 to 2^63 - 1, or not given. Takes any integer: one out of that range is refused when the event is recorded,
// where a plain unsigned member would have turned a negative one into a very large one.
class Count {
 public:
  Count() noexcept : value_(kNotGiven) {}
  Count(std::nullopt_t) noexcept : Count() {}
  template <Integer T>
  Count(T value) noexcept : value_(in_range(value) ? static_cast<std::int64_t>(value) : kOutOfRange) {}
  template <Integer T>
  Count(const std::optional<T>& value) noexcept : Count(value ? Count(*value) : Count()) {}

  bool has_value() const noexcept { return value_ != kNotGiven; }
  bool out_of_range() const noexcept { return value_ < 0; }                            // if has_value()
  std::uint64_t value() const noexcept { return static_cast<std::uint64_t>(value_); }  // if it is given, and in range

 private:
  static constexpr std::int64_t kNotGiven = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kOutOfRange = -1;
  template <class T>
  static bool in_range(T value) noexcept {
    if constexpr (std::is_signed_v<T>)
      return value >= 0;
    else
      return static_cast<std::uint64_t>(value) <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }
  std::int64_t value_;
};

template <class T>
class List;
template <class Range, class T>
concept ItemsOf = !std::same_as<std::remove_cvref_t<Range>, List<T>> && std::convertible_to<Range&&, std::span<const T>>;

// A view of items that lie behind each other: a braced list, an array, a vector, a span; or not given. An empty vector is an empty list
// that is given.
template <class T>
class List {
 public:
  List() noexcept : begin_(nullptr), size_(kNotGiven) {}
  List(std::initializer_list<T> items) noexcept : List(std::span<const T>(items)) {}
  template <ItemsOf<T> Range>
  List(Range&& items) noexcept {
    const std::span<const T> view(items);
    begin_ = view.data();
    size_ = view.size();
  }

  bool has_value() const noexcept { return size_ != kNotGiven; }
  std::size_t size() const noexcept { return has_value() ? size_ : 0; }
  const T* begin() const noexcept { return begin_; }
  const T* end() const noexcept { return begin_ + size(); }

 private:
  static constexpr std::size_t kNotGiven = std::numeric_limits<std::size_t>::max();
  const T* begin_;
  std::size_t size_;
};

}  // namespace arbiter
