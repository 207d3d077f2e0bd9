// How text gets into JSON.
#pragma once

#include <string>
#include <string_view>

#include "shm/event.hpp"
#include "shm/json_listener.hpp"

namespace arbiter::json {

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
