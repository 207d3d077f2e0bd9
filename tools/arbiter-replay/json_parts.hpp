// The parts of a JSON text as they stand in it: members of an object, elements of an array, each as the slice that it was written as.
//
// An import has to give back what an export wrote, digit for digit. A parsed document has forgotten how a number was written (and
// Boost 1.81 rounds some of them); a slice has not. So Boost.JSON says whether a line is JSON, and these walk it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace arbiter::replay {

// True if `text` is one JSON document, at most `depth_max` deep. Everything below demands that.
bool is_json(std::string_view text, std::size_t depth_max);

// Walks the members of an object, in the order in which they are written.
class Members {
 public:
  explicit Members(std::string_view object);
  bool next();
  std::string_view key() const { return key_; }      // without its quotes, escapes as written
  std::string_view value() const { return value_; }  // as written

 private:
  std::string_view left_;
  std::string_view key_, value_;
};

// Walks the elements of an array.
class Elements {
 public:
  explicit Elements(std::string_view array);
  bool next();
  std::string_view value() const { return value_; }

 private:
  std::string_view left_;
  std::string_view value_;
};

inline bool is_object(std::string_view value) { return value.starts_with('{'); }
inline bool is_array(std::string_view value) { return value.starts_with('['); }
inline bool is_string(std::string_view value) { return value.starts_with('"'); }
inline bool is_number(std::string_view value) { return !value.empty() && (value[0] == '-' || (value[0] >= '0' && value[0] <= '9')); }

// The text that a string (with its quotes) stands for: a view of it where it has no escapes, else of `room`, which is overwritten.
std::string_view text_of(std::string_view string, std::string& room);

// `text` as a JSON string, with its quotes.
std::string quoted(std::string_view text);

}  // namespace arbiter::replay
