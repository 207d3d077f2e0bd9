// How text gets into JSON.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "shm/event.hpp"
#include "shm/json_listener.hpp"

namespace arbiter::json {

// Of a character between the quotes: 0: as it is; 'u': \u00XX; else the letter behind the backslash.
inline constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b', table['\f'] = 'f', table['\n'] = 'n', table['\r'] = 'r', table['\t'] = 't';
  table['"'] = '"', table['\\'] = '\\';
  return table;
}();
inline char escape_of(char c) { return kEscapes[static_cast<unsigned char>(c)]; }

// Writes the escape of a character that has one; where it ends.
inline constexpr std::size_t kEscapeBytesMax = 6;
char* put_escape(char* at, char c);

// Appends `text` as RFC 8259 wants it between the quotes: ", \ and the characters below U+0020 escaped, UTF-8 as it is.
void append_escaped(std::string& out, std::string_view text);

// Appends `text` as a JSON string, quotes included.
inline void append_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

// Appends "anon-" and the 32 hex digits of a hash, no quotes.
void append_hash(std::string& out, const char* hash);

// A text or a hash as a JSON string, quotes included.
inline void append_text(std::string& out, const event::Text& text) {
  out += '"';
  if (text.hashed)
    append_hash(out, text.data);
  else
    append_escaped(out, text.bytes());
  out += '"';
}

}  // namespace arbiter::json
