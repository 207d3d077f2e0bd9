// Reading and writing values in a row of bytes. The reader trusts nothing: past the end it gives zeros and is no longer good().
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace arbiter::journal {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>,
                  "padding would be written as it happens to be");
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_string(std::string_view bytes) {
    put(static_cast<std::uint64_t>(bytes.size()));
    out_.append(bytes);
  }

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  explicit Reader(std::span<const std::byte> bytes) : left_(reinterpret_cast<const char*>(bytes.data()), bytes.size()) {}

  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value{};
    if (take(sizeof value)) {
      std::memcpy(&value, left_.data(), sizeof value);
      left_.remove_prefix(sizeof value);
    }
    return value;
  }
  std::string_view get_bytes(std::size_t bytes) {
    if (!take(bytes)) return {};
    const std::string_view value = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return value;
  }
  std::string_view get_string() {
    const auto bytes = get<std::uint64_t>();
    return get_bytes(bytes);
  }
  // A count of items that take at least `item_bytes` each: one that cannot be true makes the reader bad, before anybody reserves room for
  // it.
  std::uint64_t get_count(std::size_t item_bytes) {
    const auto count = get<std::uint64_t>();
    if (count > left_.size() / item_bytes) good_ = false;
    return good_ ? count : 0;
  }
  std::size_t left() const { return left_.size(); }
  bool good() const { return good_; }

 private:
  bool take(std::size_t bytes) {
    if (bytes > left_.size()) good_ = false;
    return good_;
  }
  std::string_view left_;
  bool good_ = true;
};

}  // namespace arbiter::journal
