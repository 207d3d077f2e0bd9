#include "collector/snapshot/event_json.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "collector/privacy/json_text.hpp"
#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

using schema::Type;

template <class Number>
void append_number(std::string& out, Number value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out.append(text, error == std::errc() ? static_cast<std::size_t>(end - text) : 0);
}

// Members are written with a comma behind each; the last one becomes the bracket.
void close(std::string& out, char bracket) {
  if (out.back() == ',')
    out.back() = bracket;
  else
    out += bracket;
}

// A field as `data` shows it: the object it stands in, and what is written before its value.
struct Shown {
  unsigned field;
  std::string_view group;  // of "outcome.success": "outcome"
  std::string key;         // "\"success\":"
};

using ShownFields = std::array<std::vector<Shown>, kKinds>;

const std::vector<Shown>& shown_fields(Kind kind) {
  static const ShownFields all = [] {
    ShownFields fields;
    for (const schema::KindInfo& info : schema::kKindTable)
      for (unsigned f = 0; f < info.fields.size(); ++f) {
        const std::string_view path = info.fields[f].path;
        if (info.fields[f].hidden) continue;
        const std::size_t dot = path.find('.');
        const bool grouped = dot != std::string_view::npos;
        fields[static_cast<std::size_t>(info.kind) - 1].push_back(
            {f, grouped ? path.substr(0, dot) : std::string_view(), '"' + std::string(grouped ? path.substr(dot + 1) : path) + "\":"});
      }
    return fields;
  }();
  return all[static_cast<std::size_t>(kind) - 1];
}

void append_item(std::string& out, const schema::List& list, const event::ListReader& item) {
  const auto value = [&](unsigned f) {
    if (list.fields[f].string())
      json::append_text(out, item.text(f));
    else
      append_number(out, item.real(f));
  };
  switch (list.shape) {
    case schema::ListShape::strings: value(0); break;
    case schema::ListShape::map:
      value(0);
      out += ':';
      value(1);
      break;
    case schema::ListShape::objects:
      out += '{';
      for (unsigned f = 0; f < list.fields.size(); ++f) {
        if (!item.has(f)) continue;
        out += '"';
        out += list.fields[f].path;
        out += "\":";
        value(f);
        out += ',';
      }
      close(out, '}');
      break;
  }
}

void append_list(std::string& out, const schema::List& list, const event::Text& bytes) {
  const bool map = list.shape == schema::ListShape::map;
  out += map ? '{' : '[';
  event::ListReader items(list, bytes);
  while (items.next()) {
    append_item(out, list, items);
    out += ',';
  }
  close(out, map ? '}' : ']');
}

void append_value(std::string& out, const event::Values& values, unsigned f) {
  const schema::Field& field = schema::info(values.kind).fields[f];
  switch (field.type) {
    case Type::boolean: out += values.flag(f) ? "true" : "false"; break;
    case Type::count: append_number(out, values.count(f)); break;
    case Type::real: append_number(out, values.real(f)); break;
    case Type::time:
      out += '"';
      append_number(out, values.time(f));
      out += '"';
      break;
    case Type::id:
    case Type::word:
    case Type::text:
    case Type::hex: json::append_text(out, values.text[f]); break;
    case Type::json: out += values.text[f].bytes(); break;
    case Type::list: append_list(out, *field.list, values.text[f]); break;
  }
}

// Milliseconds, exact: "1909195.405283".
void append_ms(std::string& out, std::int64_t ns) {
  append_number(out, ns / 1'000'000);
  auto rest = static_cast<unsigned>(ns % 1'000'000);
  if (rest == 0) return;
  char digits[6];
  for (std::size_t i = sizeof digits; i-- > 0; rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  std::size_t size = sizeof digits;
  while (digits[size - 1] == '0') --size;
  out += '.';
  out.append(digits, size);
}

void append_member(std::string& out, std::string_view key, const event::Text* text) {
  if (text == nullptr) return;
  out += key;
  json::append_text(out, *text);
}

}  // namespace

void append_event_data(std::string& out, const event::Values& values) {
  constexpr unsigned generic_data = schema::field(Kind::generic, "data");
  constexpr unsigned censored = schema::field(Kind::task_start, "censored");
  if (values.kind == Kind::generic) {
    out += values.text[generic_data].bytes();
    return;
  }
  out += '{';
  std::string_view group;  // open
  for (const Shown& shown : shown_fields(values.kind)) {
    if (!values.has(shown.field)) continue;
    if (shown.group != group) {
      if (!group.empty()) close(out, '}'), out += ',';
      group = shown.group;
      if (!group.empty()) {
        out += '"';
        out += group;
        out += "\":{";
      }
    }
    out += shown.key;
    append_value(out, values, shown.field);
    out += ',';
  }
  if (!group.empty()) close(out, '}'), out += ',';
  if (values.kind == Kind::task_execution) {
    const auto duration = journal::duration_ns(values);
    out += "\"durationMs\":";
    if (duration)
      append_ms(out, *duration);
    else
      out += "null";
    out += duration ? ",\"joinState\":\"complete\"," : ",\"joinState\":\"orphan\",";
  } else if (values.kind == Kind::task_start && values.flag(censored)) {
    out += "\"joinState\":\"censored\",";
  }
  if (const std::string_view event_type = schema::info(values.kind).event_type; !event_type.empty()) {
    out += "\"eventType\":\"";
    out += event_type;
    out += '"';
  }
  close(out, '}');
}

void append_real(std::string& out, double value) { append_number(out, value); }

void append_event_json(std::string& out, const LaneId& lane, const event::Values& stored, std::uint32_t revision) {
  const std::int64_t time_ns = journal::time_of(stored);
  out += "{\"id\":\"";
  out += event_id(lane, stored.sequence);
  out += "\",\"type\":";
  json::append_string(out, type_of(stored));
  out += ",\"timestamp\":\"";
  append_time_ms(out, time_ns);
  out += "\",\"timestampNs\":\"";
  append_number(out, time_ns);
  out += '"';
  append_member(out, ",\"agentId\":", agent_of(stored));
  append_member(out, ",\"taskId\":", task_of(stored));
  if (stored.kind == Kind::generic) {
    constexpr int trace = schema::find_field(Kind::generic, "traceId");
    constexpr int span = schema::find_field(Kind::generic, "spanId");
    append_member(out, ",\"traceId\":", text_at(stored, trace));
    append_member(out, ",\"spanId\":", text_at(stored, span));
  }
  out += ",\"data\":";
  append_event_data(out, stored);
  if (revision != 0) {
    out += ",\"revision\":";
    append_number(out, revision);
  }
  out += '}';
}

}  // namespace arbiter::snapshot
