// Is this UTF-8? (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF.)
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace arbiter {

bool valid_utf8_slow(const unsigned char* at, const unsigned char* end);

// ASCII, which nearly every id is, goes by eight bytes a step, without a call; the last step takes the last eight, seen before or not.
inline bool valid_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  if (text.size() >= 8) {
    std::uint64_t word, any = 0;
    const auto* step = at;
    for (; end - step > 8; step += 8) {
      std::memcpy(&word, step, 8);
      any |= word;
    }
    std::memcpy(&word, end - 8, 8);
    return ((any | word) & high_bits) == 0 || valid_utf8_slow(at, end);
  }
  for (; at != end; ++at)
    if (*at >= 0x80) return valid_utf8_slow(at, end);
  return true;
}

}  // namespace arbiter
