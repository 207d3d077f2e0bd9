#include "collector/config/document.hpp"

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "shm/json_listener.hpp"

namespace arbiter::config {
namespace {

// Takes the parser's events. The parser does not say where it is; but it is fed one byte at a time, so `line` is right whenever one comes.
struct Handler : json::Listener {
  Document document;
  unsigned line = 1;
  bool root_is_object = false;

  bool on_object_begin(error_code&) {
    if (path_.empty() && !in_array() && !inside_)
      root_is_object = inside_ = true;
    else
      value(boost::json::object());
    if (in_array()) ++nested_in_array_;
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    if (in_array())
      --nested_in_array_;
    else if (!path_.empty())
      path_.pop_back();
    return true;
  }
  bool on_array_begin(error_code&) {
    value(boost::json::array());
    ++nested_in_array_;
    return true;
  }
  bool on_array_end(std::size_t, error_code&) {
    if (--nested_in_array_ == 0 && !path_.empty()) path_.pop_back();
    return true;
  }
  bool on_key_part(string_view part, std::size_t, error_code&) { return text_.append(part), true; }
  bool on_key(string_view part, std::size_t, error_code&) {
    text_.append(part);
    if (!in_array()) {
      path_.push_back(std::move(text_));
      key_line_ = line;
    }
    text_.clear();
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) { return text_.append(part), true; }
  bool on_string(string_view part, std::size_t, error_code&) {
    text_.append(part);
    scalar(boost::json::string(text_));
    text_.clear();
    return true;
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, string_view, error_code&) { return scalar(number); }
  bool on_uint64(std::uint64_t number, string_view, error_code&) { return scalar(number); }
  bool on_double(double number, string_view, error_code&) { return scalar(number); }
  bool on_bool(bool truth, error_code&) { return scalar(truth); }
  bool on_null(error_code&) { return scalar(nullptr); }

 private:
  bool in_array() const { return nested_in_array_ > 0; }

  // A value begins: an entry of its own, or, within a list, an item of it. What is nested deeper in a list keeps its outermost shell alone:
  // no key takes such a value, and the shell is enough to say so.
  void value(boost::json::value json) {
    if (in_array()) {
      auto& list = document.entries.back().value;
      if (nested_in_array_ == 1 && list.is_array()) list.get_array().push_back(std::move(json));
    } else {
      document.entries.push_back({path_, path_.empty() ? line : key_line_, std::move(json)});
    }
  }
  bool scalar(boost::json::value json) {
    value(std::move(json));
    if (!in_array() && !path_.empty()) path_.pop_back();
    return true;
  }

  std::vector<std::string> path_;
  std::string text_;
  unsigned key_line_ = 0;
  std::size_t nested_in_array_ = 0;
  bool inside_ = false;
};

void flatten(const boost::json::object& object, std::vector<std::string>& path, Document& out) {
  for (const auto& [name, value] : object) {
    path.emplace_back(name);
    if (value.is_object()) {
      out.entries.push_back({path, 0, boost::json::object()});
      flatten(value.get_object(), path, out);
    } else {
      out.entries.push_back({path, 0, value});
    }
    path.pop_back();
  }
}

// Comments as blanks of the same length, so that lines and columns stay. (Boost.JSON 1.81 reads comments itself, but not one that is split
// between two writes, and this parser is fed byte by byte.) Error: a comment without an end; the value is where it begins.
std::optional<std::size_t> blank_comments(std::string& text) {
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (in_string) {
      if (text[at] == '\\')
        ++at;
      else if (text[at] == '"' || text[at] == '\n')
        in_string = false;
      continue;
    }
    if (text[at] == '"') in_string = true;
    if (text[at] != '/' || at + 1 == text.size() || (text[at + 1] != '/' && text[at + 1] != '*')) continue;
    const bool line = text[at + 1] == '/';
    const std::size_t close = line ? std::min(text.find('\n', at), text.size()) : text.find("*/", at + 2);
    if (close == text.npos) return at;
    const std::size_t end = line ? close : close + 2;
    for (; at < end; ++at)
      if (text[at] != '\n') text[at] = ' ';
    --at;
  }
  return std::nullopt;
}

}  // namespace

Result<Document> read_document(std::string_view with_comments) {
  std::string text(with_comments);
  const auto open_comment = blank_comments(text);
  boost::json::parse_options options;
  options.allow_trailing_commas = true;
  options.max_depth = 16;
  boost::json::basic_parser<Handler> parser(options);
  Handler& handler = parser.handler();

  std::size_t line_begin = 0;
  const auto wrong = [&](std::size_t at, std::string_view what) {
    return Error{std::to_string(handler.line) + ": " + std::string(what) + " at column " + std::to_string(at - line_begin + 1)};
  };
  boost::json::error_code error;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (open_comment == at) return wrong(at, "a comment without its end, */,");
    const std::size_t taken = parser.write_some(true, text.data() + at, 1, error);
    if (error) return wrong(at, error.message());
    if (taken == 0) return wrong(at, "something after the end of the document");
    if (text[at] == '\n') ++handler.line, line_begin = at + 1;
  }
  if (!parser.done()) {
    parser.write_some(false, text.data() + text.size(), 0, error);
    if (error) return wrong(text.size(), error.message());
  }
  if (!handler.root_is_object) return Error{"1: a configuration is one JSON object, { ... }"};
  return std::move(handler.document);
}

Document document_of(const boost::json::object& object) {
  Document document;
  std::vector<std::string> path;
  flatten(object, path, document);
  return document;
}

}  // namespace arbiter::config
