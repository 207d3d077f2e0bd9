#include "collector/control/target.hpp"

namespace arbiter::control {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// False: a '%' without its two digits.
bool decode(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    if (at + 2 >= text.size()) return false;
    const int high = hex_digit(text[at + 1]), low = hex_digit(text[at + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return true;
}

// The part before the next `mark`, which goes too.
std::string_view next_part(std::string_view& text, char mark) {
  const std::size_t end = text.find(mark);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return part;
}

}  // namespace

const std::string* Target::find(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return &value;
  return nullptr;
}

Result<Target> parse_target(std::string_view target) {
  const auto wrong = [](std::string_view part) {
    return Error{"\"" + std::string(part) + "\": a '%' needs two hexadecimal digits behind it; write %25 for the sign itself", 400};
  };
  if (target.empty() || target.front() != '/') return Error{"the target of a request begins with '/'", 400};
  Target result;
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(1, question == target.npos ? target.npos : question - 1);
  std::string_view query = question == target.npos ? std::string_view{} : target.substr(question + 1);
  while (true) {
    const bool last = path.find('/') == path.npos;
    const std::string_view part = next_part(path, '/');
    if (!decode(part, result.path.emplace_back())) return wrong(part);
    if (last) break;
  }
  while (!query.empty()) {
    std::string_view pair = next_part(query, '&');
    if (pair.empty()) continue;
    auto& [name, value] = result.query.emplace_back();
    const std::string_view whole = pair;
    if (!decode(next_part(pair, '='), name) || !decode(pair, value)) return wrong(whole);
  }
  return result;
}

std::string percent_encoded(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      out += c;
    else
      out.append(1, '%').append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return out;
}

}  // namespace arbiter::control
