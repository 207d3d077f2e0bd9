#include "tools/arbiter-replay/import.hpp"

#include <charconv>
#include <chrono>
#include <limits>
#include <optional>

#include "tools/arbiter-replay/json_parts.hpp"

namespace arbiter::replay {
namespace {

using schema::Field;
using schema::ListShape;
using schema::Type;

Error wrong(std::string_view path, std::string_view what) { return {"'" + std::string(path) + "' " + std::string(what)}; }

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Unix nanoseconds, which exports write as a decimal string since JavaScript's numbers cannot hold them.
std::optional<std::int64_t> nanoseconds_of(std::string_view value) {
  if (is_string(value)) value = value.substr(1, value.size() - 2);
  return number_of<std::int64_t>(value);
}

bool has_fields_under(Kind kind, std::string_view path) {
  for (const Field& f : schema::info(kind).fields)
    if (f.path.size() > path.size() && f.path.starts_with(path) && f.path[path.size()] == '.') return true;
  return false;
}

constexpr unsigned kGenericType = schema::field(Kind::generic, "type");
constexpr unsigned kGenericData = schema::field(Kind::generic, "data");
constexpr unsigned kStartCensored = schema::field(Kind::task_start, "censored");

}  // namespace

Result<std::int64_t> parse_timestamp(std::string_view text) {
  const auto bad = [&] { return wrong("timestamp", "is not a time such as 2026-11-23T06:40:00.123Z"); };
  const auto digits = [&](std::size_t at, std::size_t count) -> std::optional<int> {
    if (at + count > text.size()) return std::nullopt;
    for (const char c : text.substr(at, count))
      if (c < '0' || c > '9') return std::nullopt;
    return number_of<int>(text.substr(at, count));
  };
  const auto year = digits(0, 4), month = digits(5, 2), day = digits(8, 2), hour = digits(11, 2), minute = digits(14, 2),
             second = digits(17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return bad();
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') return bad();
  if (*hour > 23 || *minute > 59 || *second > 59 || *year < 1700 || *year > 2250) return bad();
  std::size_t at = 19;
  std::int64_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    std::int64_t unit = 100'000'000;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) fraction += unit * (text[at] - '0');
  }
  if (text.substr(at) != "Z" && text.substr(at) != "z") return bad();
  namespace c = std::chrono;
  const c::year_month_day date{c::year{*year}, c::month{static_cast<unsigned>(*month)}, c::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return bad();
  const auto time = c::sys_days{date} + c::hours{*hour} + c::minutes{*minute} + c::seconds{*second};
  return c::duration_cast<c::nanoseconds>(time.time_since_epoch()).count() + fraction;
}

std::string& Importer::hold() {
  if (held_used_ == held_.size()) held_.emplace_back();
  std::string& room = held_[held_used_++];
  room.clear();
  return room;
}

event::Text Importer::string_of(std::string_view value) {
  const std::string_view text = value.find('\\') == std::string_view::npos ? value.substr(1, value.size() - 2) : text_of(value, hold());
  if (const auto hash = event::parse_hashed(text)) {
    std::string& room = hold();
    room.assign(hash->data(), hash->size());
    return event::Text::hash(room.data());
  }
  return text;
}

Result<const event::Values*> Importer::read(std::string_view line) {
  values_ = event::Values{};
  held_used_ = 0;
  std::string_view type, timestamp, timestamp_ns, data, trace_id, span_id;
  for (Members members(line); members.next();) {
    const std::string_view key = members.key(), value = members.value();
    if (key == "type" && is_string(value))
      type = text_of(value, hold());
    else if (key == "timestamp" && is_string(value))
      timestamp = text_of(value, hold());
    else if (key == "timestampNs")
      timestamp_ns = value;
    else if (key == "data" && is_object(value))
      data = value;
    else if (key == "traceId" && is_string(value))
      trace_id = value;
    else if (key == "spanId" && is_string(value))
      span_id = value;
    else if (key == "type" || key == "timestamp" || key == "traceId" || key == "spanId")
      return wrong(key, "is not a string");
    else if (key == "data")
      return wrong(key, "is not an object");
    else if (key != "id" && key != "agentId" && key != "taskId" && key != "revision")
      return wrong(key, "is no field of an event");
  }
  if (type.empty()) return wrong("type", "is missing or empty");
  if (data.empty()) return wrong("data", "is missing");

  values_.kind = schema::kind_of(type);
  if (keep_time_) {
    if (!timestamp_ns.empty()) {
      const auto ns = nanoseconds_of(timestamp_ns);
      if (!ns) return wrong("timestampNs", "is not a whole number of nanoseconds");
      values_.time_ns = *ns;
    } else if (!timestamp.empty()) {
      const auto ns = parse_timestamp(timestamp);
      if (!ns) return ns.error();
      values_.time_ns = *ns;
    } else {
      return wrong("timestamp", "is missing");
    }
  }
  if (values_.kind == Kind::generic) {
    values_.set_text(kGenericType, type);
    values_.set_text(kGenericData, data);
    for (const auto& [path, value] : {std::pair{"traceId", trace_id}, std::pair{"spanId", span_id}})
      if (!value.empty()) values_.set_text(static_cast<unsigned>(schema::find_field(Kind::generic, path)), string_of(value));
    return &values_;
  }
  if (const auto read = read_data(data, ""); !read) return read.error();
  return &values_;
}

Result<void> Importer::read_data(std::string_view object, std::string_view prefix) {
  for (Members members(object); members.next();) {
    std::string& path = hold();
    path.append(prefix).append(members.key());
    const int f = schema::find_field(values_.kind, path);
    if (f >= 0 && !schema::info(values_.kind).fields[static_cast<std::size_t>(f)].hidden) {
      if (const auto read = read_field(static_cast<unsigned>(f), members.value()); !read) return read.error();
    } else if (has_fields_under(values_.kind, path)) {
      if (!is_object(members.value())) return wrong("data." + path, "is not an object");
      const std::string under = path + ".";
      if (const auto read = read_data(members.value(), under); !read) return read.error();
    } else {
      bool known = false;
      if (const auto read = read_derived(path, members.value(), known); !read) return read.error();
      if (!known) return wrong("data." + path, "is no field of a " + std::string(schema::info(values_.kind).type));
    }
  }
  return {};
}

Result<void> Importer::read_derived(std::string_view path, std::string_view value, bool& known) {
  const schema::KindInfo& kind = schema::info(values_.kind);
  known = true;
  if (path == "eventType" && !kind.event_type.empty()) {
    if (!is_string(value) || value.substr(1, value.size() - 2) != kind.event_type)
      return wrong("data.eventType", "is not \"" + std::string(kind.event_type) + "\", as for a " + std::string(kind.type));
    return {};
  }
  if (values_.kind == Kind::task_execution && (path == "durationMs" || path == "joinState")) return {};
  if (values_.kind == Kind::task_start && path == "joinState") {
    if (value == "\"censored\"") values_.set_flag(kStartCensored, true);
    return {};
  }
  known = false;
  return {};
}

Result<void> Importer::read_field(unsigned f, std::string_view value) {
  const Field& field = schema::info(values_.kind).fields[f];
  const std::string path = "data." + std::string(field.path);
  if (values_.has(f)) return wrong(path, "is there twice");
  switch (field.type) {
    case Type::boolean:
      if (value != "true" && value != "false") return wrong(path, "is neither true nor false");
      values_.set_flag(f, value == "true");
      return {};
    case Type::count: {
      const auto number = number_of<std::uint64_t>(value);
      if (!number || *number > schema::kCountMax) return wrong(path, "is not a whole number from 0 to 9223372036854775807");
      values_.set(f, *number);
      return {};
    }
    case Type::real: {
      const auto number = is_number(value) ? number_of<double>(value) : std::nullopt;
      if (!number) return wrong(path, "is not a number that a double can hold");
      values_.set_real(f, *number);
      return {};
    }
    case Type::time: {
      const auto ns = nanoseconds_of(value);
      if (!ns) return wrong(path, "is not a whole number of nanoseconds");
      if (keep_time_) values_.set_time(f, *ns);
      return {};
    }
    case Type::id:
    case Type::word:
    case Type::text:
    case Type::hex:
      if (!is_string(value)) return wrong(path, "is not a string");
      values_.set_text(f, string_of(value));
      return {};
    case Type::json:
      if (!is_object(value)) return wrong(path, "is not an object");
      values_.set_text(f, value);
      return {};
    case Type::list: return read_list(*field.list, f, value);
  }
  return wrong(path, "has a type that is not known");
}

Result<void> Importer::read_list(const schema::List& list, unsigned f, std::string_view value) {
  const std::string path = "data." + std::string(schema::info(values_.kind).fields[f].path);
  const bool map = list.shape == ListShape::map;
  if (map ? !is_object(value) : !is_array(value)) return wrong(path, map ? "is not an object" : "is not a list");
  std::string& bytes = hold();
  event::ListWriter writer(bytes);

  // An item's members may stand in any order; they are stored in that of the table.
  std::array<bool, 8> present{};
  std::array<double, 8> number{};
  std::array<event::Text, 8> text{};
  const auto write = [&]() -> Result<void> {
    if (writer.size() == std::numeric_limits<std::uint16_t>::max()) return wrong(path, event::refusal_text(abi::Refusal::too_many_items));
    writer.item();
    for (unsigned j = 0; j < list.fields.size(); ++j) {
      if (!present[j]) continue;
      list.fields[j].string() ? writer.text(j, text[j]) : writer.real(j, number[j]);
    }
    return {};
  };
  const auto read = [&](unsigned j, std::string_view item) {
    return read_item_field(list.fields[j], item, present[j], number[j], text[j]);
  };

  if (map) {
    for (Members members(value); members.next();) {
      std::string& key = hold();
      key.append("\"").append(members.key()).append("\"");
      present = {};
      if (const auto ok = read(0, key); !ok) return ok.error().while_(path);
      if (const auto ok = read(1, members.value()); !ok) return ok.error().while_(path);
      if (const auto ok = write(); !ok) return ok.error();
    }
  } else {
    for (Elements elements(value); elements.next();) {
      present = {};
      if (list.shape == ListShape::strings) {
        if (const auto ok = read(0, elements.value()); !ok) return ok.error().while_(path);
      } else {
        if (!is_object(elements.value())) return wrong(path, "has an item that is not an object");
        for (Members members(elements.value()); members.next();) {
          unsigned j = 0;
          while (j < list.fields.size() && list.fields[j].path != members.key()) ++j;
          if (j == list.fields.size()) return wrong(path + "." + std::string(members.key()), "is no field of its items");
          if (const auto ok = read(j, members.value()); !ok) return ok.error().while_(path);
        }
      }
      if (const auto ok = write(); !ok) return ok.error();
    }
  }
  values_.set_text(f, std::string_view(bytes));
  return {};
}

Result<void> Importer::read_item_field(const Field& field, std::string_view value, bool& present, double& number, event::Text& text) {
  const std::string_view name = field.path.empty() ? "an item" : field.path;
  if (present) return wrong(name, "is there twice");
  present = true;
  if (field.string()) {
    if (!is_string(value)) return wrong(name, "is not a string");
    text = string_of(value);
    return {};
  }
  const auto read = is_number(value) ? number_of<double>(value) : std::nullopt;
  if (!read) return wrong(name, "is not a number that a double can hold");
  number = *read;
  return {};
}

}  // namespace arbiter::replay
