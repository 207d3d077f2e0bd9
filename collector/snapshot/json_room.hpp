// JSON text written where there is room for it: who makes a Room has counted the most that comes, so that nothing is looked at again for
// each character.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "collector/privacy/json_text.hpp"
#include "shm/event.hpp"

namespace arbiter::snapshot {

// A text that is written often: shorter than its room, so that it is copied as a whole, whatever its length.
struct Constant {
  static constexpr std::size_t kRoomBytes = 48;
  std::array<char, kRoomBytes> room{};
  std::size_t bytes = 0;

  constexpr Constant() = default;
  explicit constexpr Constant(std::string_view text) : bytes(text.size()) {
    for (std::size_t i = 0; i < text.size(); ++i) room.at(i) = text[i];
  }
};

class Room {
 public:
  static constexpr std::size_t kNumberBytes = 32, kSlackBytes = Constant::kRoomBytes;

  // Behind what `out` holds, for at most so many bytes; `out` ends with the last one written when this goes.
  Room(std::string& out, std::size_t most) : out_(out), begin_(out.size()) {
    out_.resize(begin_ + most + kSlackBytes);
    at_ = out_.data() + begin_;
  }
  ~Room() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  void put(char c) { *at_++ = c; }
  void put(const Constant& text) {
    std::memcpy(at_, text.room.data(), text.room.size());
    at_ += text.bytes;
  }
  void put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  template <class Number>
  void number(Number value) {
    at_ = std::to_chars(at_, at_ + kNumberBytes, value).ptr;
  }
  // Two digits for each byte.
  void hex(const void* bytes, std::size_t size) {
    const auto* from = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < size; ++i, at_ += 2) std::memcpy(at_, kHex[from[i]].data(), 2);
  }
  // As a JSON string, quotes included.
  void text(const event::Text& text) {
    put('"');
    if (text.hashed) {
      put(kHashed);
      hex(text.data, event::kHashBytes);
    } else {
      escaped(text.bytes());
    }
    put('"');
  }
  static std::size_t most(const event::Text& text) { return text.hashed ? event::kHashedShownBytes + 2 : 6 * text.size + std::size_t{2}; }

  // Members are written with a comma behind each; the last one becomes the bracket.
  void close(char bracket) {
    if (at_[-1] == ',')
      at_[-1] = bracket;
    else
      put(bracket);
  }
  char* at() { return at_; }
  void to(char* at) { at_ = at; }

 private:
  static constexpr Constant kHashed{event::kHashedPrefix};
  static constexpr std::array<std::array<char, 2>, 256> kHex = [] {
    std::array<std::array<char, 2>, 256> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
    return all;
  }();

  // Whether one of eight characters is not what it looks like: below a space, a quote, a backslash. (A byte less than n, or equal to one:
  // the usual tricks; wrong only above one that is right.)
  static bool any_to_escape(std::uint64_t eight) {
    constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    const auto zero_in = [](std::uint64_t x) { return (x - ones) & ~x; };
    return (((eight - ones * 0x20) & ~eight) | zero_in(eight ^ ones * '"') | zero_in(eight ^ ones * '\\')) & tops;
  }
  void escaped(std::string_view text) {
    const char* from = text.data();
    std::size_t left = text.size();
    for (; left >= 8; left -= 8, from += 8, at_ += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, from, 8);
      if (any_to_escape(eight)) break;
      std::memcpy(at_, &eight, 8);
    }
    for (; left != 0; --left, ++from)
      if (json::escape_of(*from) == 0)
        put(*from);
      else
        at_ = json::put_escape(at_, *from);
  }

  std::string& out_;
  std::size_t begin_;
  char* at_;
};

}  // namespace arbiter::snapshot
