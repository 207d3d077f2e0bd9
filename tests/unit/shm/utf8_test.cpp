#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "shm/utf8.hpp"

using arbiter::valid_utf8;

namespace {

// The other way round: decodes to a code point, and asks whether that code point is written so.
bool decodes(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[i + k])); };
    const std::uint32_t lead = byte(0);
    const std::size_t size = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (size == 0 || i + size > s.size()) return false;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
      if (byte(k) >> 6 != 2) return false;
      point = point << 6 | (byte(k) & 0x3f);
    }
    const std::size_t shortest = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (size != shortest || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return false;
    i += size;
  }
  return true;
}

}  // namespace

TEST_CASE("every sequence of one, two and three bytes is judged as by decoding it") {
  std::string s(1, '\0');
  for (unsigned a = 0; a < 256; ++a) {
    s = std::string(1, static_cast<char>(a));
    if (valid_utf8(s) != decodes(s)) FAIL("byte " << a);
    s.resize(2);
    for (unsigned b = 0; b < 256; ++b) {
      s[1] = static_cast<char>(b);
      if (valid_utf8(s) != decodes(s)) FAIL("bytes " << a << " " << b);
      if (a < 0xe0) continue;
      s.resize(3);
      for (unsigned c = 0; c < 256; ++c) {
        s[2] = static_cast<char>(c);
        if (valid_utf8(s) != decodes(s)) FAIL("bytes " << a << " " << b << " " << c);
      }
      s.resize(2);
    }
  }
}

TEST_CASE("every sequence of four bytes around the edges of its ranges is judged as by decoding it") {
  const unsigned edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
  std::string s(4, '\0');
  for (unsigned a = 0xef; a < 256; ++a)
    for (const unsigned b : edges)
      for (const unsigned c : edges)
        for (const unsigned d : edges) {
          s[0] = static_cast<char>(a), s[1] = static_cast<char>(b), s[2] = static_cast<char>(c), s[3] = static_cast<char>(d);
          if (valid_utf8(s) != decodes(s)) FAIL("bytes " << a << " " << b << " " << c << " " << d);
        }
}

TEST_CASE("a bad or cut sequence is found wherever it stands beside the steps of eight") {
  for (std::size_t before = 0; before < 20; ++before)
    for (std::size_t after = 0; after < 20; ++after) {
      const std::string front(before, 'a'), back(after, 'z');
      CHECK(valid_utf8(front + "\xf4\x8f\xbf\xbf" + back));
      CHECK_FALSE(valid_utf8(front + "\xff" + back));
      CHECK_FALSE(valid_utf8(front + "\xf4\x90\x80\x80" + back));
      CHECK_FALSE(valid_utf8(front + "\xe2\x82" + back));
    }
  CHECK(valid_utf8(""));
  CHECK(valid_utf8(std::string_view("\0\0", 2)));
}
