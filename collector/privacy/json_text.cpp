#include "collector/privacy/json_text.hpp"

#include <array>

namespace arbiter::json {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

char* put_escape(char* at, char c) {
  *at++ = '\\';
  *at++ = escape_of(c);
  if (at[-1] != 'u') return at;
  const auto byte = static_cast<unsigned char>(c);
  for (const char digit : {'0', '0', kDigits[byte >> 4], kDigits[byte & 15]}) *at++ = digit;
  return at;
}

void append_escaped(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // where the run of characters that stay as they are began
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (escape_of(text[i]) == 0) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    std::array<char, kEscapeBytesMax> text_of;
    out.append(text_of.data(), put_escape(text_of.data(), text[i]));
  }
  out.append(text, plain);
}

void append_hash(std::string& out, const char* hash) {
  std::array<char, event::kHashedShownBytes> shown;
  char* at = shown.data() + event::kHashedPrefix.copy(shown.data(), event::kHashedPrefix.size());
  for (std::size_t i = 0; i < event::kHashBytes; ++i) {
    const auto byte = static_cast<unsigned char>(hash[i]);
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 15];
  }
  out.append(shown.data(), shown.size());
}

}  // namespace arbiter::json
