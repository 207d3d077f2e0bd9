#include "collector/privacy/json_text.hpp"

#include <array>

namespace arbiter::json {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

// 0: as it is; 'u': \u00XX; else the letter behind the backslash.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b', table['\f'] = 'f', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't';
  table['"'] = '"', table['\\'] = '\\';
  return table;
}();

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // where the run of characters that stay as they are began
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    out += '\\';
    out += escape;
    if (escape != 'u') continue;
    out += "00";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
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
