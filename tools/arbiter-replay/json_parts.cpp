#include "tools/arbiter-replay/json_parts.hpp"

#include <array>
#include <boost/json.hpp>

namespace arbiter::replay {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

void skip_space(std::string_view& text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
}

// Bytes of the string that `text` begins with, both quotes included.
std::size_t string_bytes(std::string_view text) {
  std::size_t at = 1;
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2u : 1u;
  return at < text.size() ? at + 1 : text.size();
}

// Bytes of the value that `text` begins with.
std::size_t value_bytes(std::string_view text) {
  if (is_string(text)) return string_bytes(text);
  if (!is_object(text) && !is_array(text)) {
    const std::size_t end = text.find_first_of(",]} \t\r\n");
    return end == std::string_view::npos ? text.size() : end;
  }
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at += string_bytes(text.substr(at));
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return text.size();
}

std::string_view take(std::string_view& text, std::size_t bytes) {
  const std::string_view taken = text.substr(0, bytes);
  text.remove_prefix(taken.size());
  return taken;
}

// Past the opening bracket.
std::string_view inside(std::string_view text) {
  skip_space(text);
  if (!text.empty()) text.remove_prefix(1);
  return text;
}

// To the next member or element; false at the closing bracket.
bool to_next(std::string_view& text) {
  skip_space(text);
  if (text.starts_with(',')) {
    text.remove_prefix(1);
    skip_space(text);
  }
  return !text.empty() && text[0] != '}' && text[0] != ']';
}

}  // namespace

bool is_json(std::string_view text, std::size_t depth_max) {
  boost::json::parse_options options;
  options.max_depth = depth_max;
  std::array<unsigned char, 16 * 1024> first;
  boost::json::monotonic_resource memory(first.data(), first.size());
  boost::json::error_code error;
  boost::json::parse(text, error, &memory, options);
  return !error;
}

Members::Members(std::string_view object) : left_(inside(object)) {}

bool Members::next() {
  if (!to_next(left_)) return false;
  const std::string_view key = take(left_, string_bytes(left_));
  key_ = key.substr(1, key.size() - 2);
  skip_space(left_);
  left_.remove_prefix(1);  // the colon
  skip_space(left_);
  value_ = take(left_, value_bytes(left_));
  return true;
}

Elements::Elements(std::string_view array) : left_(inside(array)) {}

bool Elements::next() {
  if (!to_next(left_)) return false;
  value_ = take(left_, value_bytes(left_));
  return true;
}

std::string_view text_of(std::string_view string, std::string& room) {
  const std::string_view body = string.substr(1, string.size() - 2);
  if (body.find('\\') == std::string_view::npos) return body;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(string, error);
  room.clear();
  if (!error && parsed.is_string()) room.assign(parsed.get_string().data(), parsed.get_string().size());
  return room;
}

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string_view(text.data(), text.size())); }

}  // namespace arbiter::replay
