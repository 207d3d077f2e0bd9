#include "collector/snapshot/json_schema.hpp"

#include <boost/json/array.hpp>
#include <cmath>
#include <string>
#include <string_view>

#include "shm/schema.hpp"

namespace arbiter::snapshot {
namespace {

namespace json = boost::json;
using schema::Field;
using schema::Type;

json::string text(std::string_view s) { return json::string(s.data(), s.size()); }
json::object typed(std::string_view type) { return {{"type", text(type)}}; }
json::object pattern(std::string_view regex) { return {{"type", "string"}, {"pattern", text(regex)}}; }

json::object constant(std::string_view word) { return {{"const", text(word)}}; }

json::object closed_word(std::span<const std::string_view> choices) {
  json::array all;
  for (const std::string_view choice : choices) all.push_back(text(choice));
  return {{"enum", std::move(all)}};
}

json::object number(const Field& field) {
  json::object out = typed("number");
  if (std::isfinite(field.min)) out["minimum"] = field.min;
  if (std::isfinite(field.max)) out["maximum"] = field.max;
  return out;
}

json::object value_schema(const Field& field);

json::object list_schema(const schema::List& list) {
  if (list.shape == schema::ListShape::strings) return {{"type", "array"}, {"items", value_schema(list.fields[0])}};
  if (list.shape == schema::ListShape::map) return {{"type", "object"}, {"additionalProperties", value_schema(list.fields[1])}};
  json::object members;
  json::array required;
  for (const Field& field : list.fields) {
    members[text(field.path)] = value_schema(field);
    if (field.required) required.push_back(text(field.path));
  }
  return {{"type", "array"}, {"items", {{"type", "object"}, {"properties", std::move(members)}, {"required", std::move(required)}}}};
}

json::object value_schema(const Field& field) {
  switch (field.type) {
    case Type::boolean: return typed("boolean");
    case Type::count: return {{"type", "integer"}, {"minimum", 0}, {"maximum", schema::kCountMax}};
    case Type::real: return number(field);
    case Type::time: return pattern("^-?[0-9]+$");
    case Type::id:
    case Type::word:
      if (!field.choices.empty()) return closed_word(field.choices);
      return {{"type", "string"}, {"minLength", 1}, {"maxLength", schema::kWordBytesMax}};
    case Type::text: return typed("string");
    case Type::hex: return pattern("^[0-9a-f]{" + std::to_string(field.hex_digits) + "}$");
    case Type::json: return typed("object");
    case Type::list: return list_schema(*field.list);
  }
  return {};
}

// A member of `object`, and that it has to be there.
void add(json::object& object, std::string_view name, json::object value, bool required) {
  if (!object.contains("properties")) object = {{"type", "object"}, {"properties", json::object()}, {"required", json::array()}};
  object["properties"].as_object()[text(name)] = std::move(value);
  if (required) object["required"].as_array().push_back(text(name));
}

// `data` of a kind, as append_event_data() writes it.
json::object data_schema(const schema::KindInfo& info) {
  json::object data, group;
  std::string_view open;
  bool group_required = false;
  const auto close = [&] {
    if (!open.empty()) add(data, open, std::move(group), group_required);
    group = {}, open = {}, group_required = false;
  };
  for (const Field& field : info.fields) {
    if (field.hidden) continue;
    const std::size_t dot = field.path.find('.');
    const std::string_view into = dot == std::string_view::npos ? std::string_view() : field.path.substr(0, dot);
    if (into != open) close();
    open = into;
    group_required = group_required || field.required;
    if (into.empty())
      add(data, field.path, value_schema(field), field.required);
    else
      add(group, field.path.substr(dot + 1), value_schema(field), field.required);
  }
  close();
  if (info.kind == Kind::task_execution) {
    add(data, "durationMs", {{"type", {"number", "null"}}}, true);
    add(data, "joinState", {{"enum", {"complete", "orphan"}}}, true);
  }
  if (info.kind == Kind::task_start) add(data, "joinState", constant("censored"), false);
  if (!info.event_type.empty()) add(data, "eventType", constant(info.event_type), true);
  return data;
}

}  // namespace

json::object event_schema() {
  json::object event;
  add(event, "id", pattern("^[0-9a-f]{32}-[0-9]+-[0-9]+$"), true);
  add(event, "type", {{"type", "string"}, {"minLength", 1}}, true);
  add(event, "timestamp", pattern("^[0-9-]+T[0-9:]{8}\\.[0-9]{3}Z$"), true);
  add(event, "timestampNs", pattern("^-?[0-9]+$"), true);
  add(event, "agentId", typed("string"), false);
  add(event, "taskId", typed("string"), false);
  add(event, "traceId", value_schema(schema::kTraceId), false);
  add(event, "spanId", value_schema(schema::kSpanId), false);
  add(event, "data", typed("object"), true);
  add(event, "revision", {{"type", "integer"}, {"minimum", 1}}, false);
  // Of the steps of a trajectory alone:
  add(event, "reward", {{"type", {"number", "null"}}}, false);
  for (const std::string_view flag : {"is_first", "is_last", "is_terminal"}) add(event, flag, typed("boolean"), false);

  json::array by_type;
  json::object data_of;
  for (const schema::KindInfo& info : schema::kKindTable) {
    if (info.type.empty()) continue;
    data_of[text(info.type)] = data_schema(info);
    by_type.push_back({{"if", {{"properties", {{"type", constant(info.type)}}}}},
                       {"then", {{"properties", {{"data", {{"$ref", text("#/$defs/" + std::string(info.type))}}}}}}}});
  }
  json::object out{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                   {"$id", "https://schemas.arbiter.invalid/1/event.schema.json"},
                   {"title", "One line of events.jsonl: a recorded event. `data` of a type of the callers' own is theirs."}};
  for (auto& [key, value] : event) out[key] = std::move(value);
  out["allOf"] = std::move(by_type);
  out["$defs"] = std::move(data_of);
  return out;
}

}  // namespace arbiter::snapshot
