#include "collector/snapshot/pretty_json.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/event_json.hpp"

namespace arbiter::snapshot {
namespace {

void append(std::string& out, const boost::json::value& value, std::size_t depth);

// A list's or an object's items, each on a line of its own.
template <class Items, class Item>
void append_items(std::string& out, const Items& items, const char (&brackets)[3], std::size_t depth, Item item) {
  out += brackets[0];
  bool first = true;
  for (const auto& each : items) {
    out += first ? "\n" : ",\n";
    out.append(2 * depth + 2, ' ');
    item(each);
    first = false;
  }
  if (!first) {
    out += '\n';
    out.append(2 * depth, ' ');
  }
  out += brackets[1];
}

void append(std::string& out, const boost::json::value& value, std::size_t depth) {
  if (const auto* object = value.if_object())
    append_items(out, *object, "{}", depth, [&](const auto& member) {
      json::append_string(out, member.key());
      out += ": ";
      append(out, member.value(), depth + 1);
    });
  else if (const auto* array = value.if_array())
    append_items(out, *array, "[]", depth, [&](const auto& item) { append(out, item, depth + 1); });
  else if (const auto* text = value.if_string())
    json::append_string(out, *text);
  else if (const auto* real = value.if_double())
    append_real(out, *real);
  else
    out += boost::json::serialize(value);
}

}  // namespace

std::string pretty_json(const boost::json::value& value) {
  std::string out;
  append(out, value, 0);
  out += '\n';
  return out;
}

}  // namespace arbiter::snapshot
