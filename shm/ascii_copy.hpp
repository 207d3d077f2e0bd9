// Copies strings into a lane, or only walks them, and gathers on the way whether any byte of them is not ASCII.
//
// Ids are some tens of bytes long: calling memcpy for each costs more than the copy. Steps of 16 bytes, the last one overlapping the one
// before, never read or write outside of the string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace arbiter {

template <bool kStore>
class AsciiCopy {
 public:
  // Copies `from` to `to`, if it is to be stored; gives the place behind it.
  [[gnu::always_inline]] char* copy(char* to, std::string_view from) noexcept {
    const char* at = from.data();
    const std::size_t size = from.size();
    if (size >= sizeof(Block)) [[likely]] {
      const std::size_t last = size - sizeof(Block);
      step<Block>(to, at);
      if (size > 2 * sizeof(Block)) {
        step<Block>(to + sizeof(Block), at + sizeof(Block));
        for (std::size_t i = 2 * sizeof(Block); i < last; i += sizeof(Block)) step<Block>(to + i, at + i);
      }
      step<Block>(to + last, at + last);
      return to + size;
    }
    if (size >= 8) {
      step<std::uint64_t>(to, at);
      step<std::uint64_t>(to + size - 8, at + size - 8);
    } else if (size >= 4) {
      step<std::uint32_t>(to, at);
      step<std::uint32_t>(to + size - 4, at + size - 4);
    } else if (size > 0) {
      step<std::uint8_t>(to, at);
      step<std::uint8_t>(to + size / 2, at + size / 2);
      step<std::uint8_t>(to + size - 1, at + size - 1);
    }
    return to + size;
  }

  bool all_ascii() const noexcept {
    const std::uint64_t words = blocks_[0] | blocks_[1];
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    return ((words | word_) & high_bits) == 0;
  }

 private:
  using Block [[gnu::vector_size(16)]] = std::uint64_t;

  template <class T>
  void step(char* to, const char* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (kStore) std::memcpy(to, &value, sizeof value);
    if constexpr (sizeof value == sizeof(Block))
      blocks_ |= value;
    else
      word_ |= value;
  }

  Block blocks_{};
  std::uint64_t word_ = 0;
};

}  // namespace arbiter
