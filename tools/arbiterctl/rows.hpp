// An answer's figures in rows: what all that is shown to people is made of. Answers may be of a collector of another version: whatever is
// not there, or is not what it should be, is shown as "-" or left out.
#pragma once

#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tools/arbiterctl/terminal.hpp"

namespace arbiter::ctl {

// The value under "a.b", or null.
const boost::json::value* at(const boost::json::object& object, std::string_view path);
std::optional<std::uint64_t> whole(const boost::json::value* value);
std::optional<double> real(const boost::json::value* value);
std::string digits(const boost::json::value* value);  // of a number that is a name
std::string text(const boost::json::value* value);    // harmless, numbers grouped
std::string grouped(std::uint64_t number);            // "27,408"

template <class... Args>
std::string printed(const char* format, Args... args) {
  std::array<char, 128> buffer;
  const int size = std::snprintf(buffer.data(), buffer.size(), format, args...);
  return {buffer.data(), std::min(static_cast<std::size_t>(size), buffer.size() - 1)};
}

void heading(std::string& out, std::string_view words);
void row(std::string& out, std::string_view label, std::string_view value, Colour colour = Colour::none);
struct Row {
  std::string_view label, path;
};
void rows(std::string& out, const boost::json::object& object, std::span<const Row> list);  // of what is there

}  // namespace arbiter::ctl
