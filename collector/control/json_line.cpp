#include "collector/control/json_line.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "collector/snapshot/event_json.hpp"

namespace arbiter::control {
namespace {

void append(std::string& out, const boost::json::value& value) {
  char before = '[';
  if (const auto* object = value.if_object()) {
    before = '{';
    for (const auto& [name, item] : *object) {
      out.append(1, before).append(boost::json::serialize(name)).append(":");
      append(out, item);
      before = ',';
    }
    out += object->empty() ? "{}" : "}";
  } else if (const auto* array = value.if_array()) {
    for (const auto& item : *array) {
      out += before;
      append(out, item);
      before = ',';
    }
    out += array->empty() ? "[]" : "]";
  } else if (const auto* real = value.if_double()) {
    snapshot::append_real(out, *real);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::string json_line(const boost::json::value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace arbiter::control
