#include "collector/snapshot/event_json.hpp"

#include <array>
#include <bit>
#include <vector>

#include "collector/snapshot/event_fields.hpp"
#include "collector/snapshot/json_room.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::snapshot {
namespace {

using schema::Type;

constexpr Constant kId{"{\"id\":\""}, kType{"\",\"type\":"}, kTimestamp{",\"timestamp\":\""}, kTimestampNs{"\",\"timestampNs\":\""},
    kAgent{",\"agentId\":"}, kTask{",\"taskId\":"}, kTrace{",\"traceId\":"}, kSpan{",\"spanId\":"}, kData{",\"data\":"},
    kRevision{",\"revision\":"}, kQuoteColon{"\":"}, kTrue{"true"}, kFalse{"false"}, kNull{"null"}, kDuration{"\"durationMs\":"},
    kComplete{",\"joinState\":\"complete\","}, kOrphan{",\"joinState\":\"orphan\","}, kCensored{"\"joinState\":\"censored\","},
    kEventType{"\"eventType\":\""};

// A field as `data` shows it: the object it stands in, and what is written before its value.
struct Shown {
  unsigned field;
  unsigned group;  // of those with a dot in their path: the fields of one object have the same; 0: none
  Constant opens;  // "\"outcome\":{"
  Constant key;    // "\"success\":"
};

// What an event of a kind may come to beside its texts, and in how many bytes an item of a list does.
struct KindText {
  std::vector<Shown> fields;
  std::size_t most = 0;
};
constexpr std::size_t kValueBytes = Room::kNumberBytes + 4;  // with brackets and a comma
constexpr std::size_t kMemberBytes = Constant::kRoomBytes + kValueBytes;

const KindText& text_of(Kind kind) {
  static const std::array<KindText, kKinds> all = [] {
    std::array<KindText, kKinds> texts;
    for (const schema::KindInfo& info : schema::kKindTable) {
      KindText& its = texts[static_cast<std::size_t>(info.kind) - 1];
      unsigned groups = 0;
      std::string object;
      its.most = 4 * kMemberBytes;  // braces, durationMs, joinState, eventType
      for (unsigned f = 0; f < info.fields.size(); ++f) {
        const std::string path(info.fields[f].path);
        if (info.fields[f].hidden) continue;
        const std::size_t dot = path.find('.');
        const bool grouped = dot != std::string::npos;
        if (grouped && path.substr(0, dot) != object) ++groups;
        object = grouped ? path.substr(0, dot) : std::string();
        its.fields.push_back({f, grouped ? groups : 0, grouped ? Constant('"' + path.substr(0, dot) + "\":{") : Constant(),
                              Constant('"' + (grouped ? path.substr(dot + 1) : path) + "\":")});
        its.most += its.fields.back().opens.bytes + its.fields.back().key.bytes + kValueBytes;
      }
    }
    return texts;
  }();
  return all[static_cast<std::size_t>(kind) - 1];
}

// The most that the data of this event comes to.
std::size_t most_of_data(const event::Values& values) {
  std::size_t most = text_of(values.kind).most;
  const schema::KindInfo& info = schema::info(values.kind);
  for (std::uint32_t left = values.present & schema::masks(values.kind).sized; left != 0; left &= left - 1) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    const event::Text& text = values.text[f];
    most += Room::most(text);
    if (info.fields[f].type != Type::list) continue;
    const schema::List& list = *info.fields[f].list;
    std::size_t item = kValueBytes;
    for (const schema::Field& field : list.fields) item += field.path.size() + kValueBytes;
    most += event::ListReader(list, text).size() * item;
  }
  return most;
}

void put_item(Room& room, const schema::List& list, const event::ListReader& item) {
  const auto value = [&](unsigned f) {
    if (list.fields[f].string())
      room.text(item.text(f));
    else
      room.number(item.real(f));
  };
  switch (list.shape) {
    case schema::ListShape::strings: value(0); break;
    case schema::ListShape::map:
      value(0);
      room.put(':');
      value(1);
      break;
    case schema::ListShape::objects:
      room.put('{');
      for (unsigned f = 0; f < list.fields.size(); ++f) {
        if (!item.has(f)) continue;
        room.put('"');
        room.put(list.fields[f].path);
        room.put(kQuoteColon);
        value(f);
        room.put(',');
      }
      room.close('}');
      break;
  }
}

void put_list(Room& room, const schema::List& list, const event::Text& bytes) {
  const bool map = list.shape == schema::ListShape::map;
  room.put(map ? '{' : '[');
  event::ListReader items(list, bytes);
  while (items.next()) {
    put_item(room, list, items);
    room.put(',');
  }
  room.close(map ? '}' : ']');
}

void put_value(Room& room, const event::Values& values, unsigned f) {
  const schema::Field& field = schema::info(values.kind).fields[f];
  switch (field.type) {
    case Type::boolean: room.put(values.flag(f) ? kTrue : kFalse); break;
    case Type::count: room.number(values.count(f)); break;
    case Type::real: room.number(values.real(f)); break;
    case Type::time:
      room.put('"');
      room.number(values.time(f));
      room.put('"');
      break;
    case Type::id:
    case Type::word:
    case Type::text:
    case Type::hex: room.text(values.text[f]); break;
    case Type::json: room.put(values.text[f].bytes()); break;
    case Type::list: put_list(room, *field.list, values.text[f]); break;
  }
}

// Milliseconds, exact: "1909195.405283".
void put_ms(Room& room, std::int64_t ns) {
  room.number(ns / 1'000'000);
  auto rest = static_cast<unsigned>(ns % 1'000'000);
  if (rest == 0) return;
  char digits[6];
  for (std::size_t i = sizeof digits; i-- > 0; rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
  std::size_t size = sizeof digits;
  while (digits[size - 1] == '0') --size;
  room.put('.');
  room.put(std::string_view(digits, size));
}

void put_member(Room& room, const Constant& key, const event::Text* text) {
  if (text == nullptr) return;
  room.put(key);
  room.text(*text);
}

void put_data(Room& room, const event::Values& values) {
  constexpr unsigned generic_data = schema::field(Kind::generic, "data");
  constexpr unsigned censored = schema::field(Kind::task_start, "censored");
  if (values.kind == Kind::generic) return room.put(values.text[generic_data].bytes());
  room.put('{');
  unsigned group = 0;  // open
  for (const Shown& shown : text_of(values.kind).fields) {
    if (!values.has(shown.field)) continue;
    if (shown.group != group) {
      if (group != 0) room.close('}'), room.put(',');
      group = shown.group;
      if (group != 0) room.put(shown.opens);
    }
    room.put(shown.key);
    put_value(room, values, shown.field);
    room.put(',');
  }
  if (group != 0) room.close('}'), room.put(',');
  if (values.kind == Kind::task_execution) {
    const auto duration = journal::duration_ns(values);
    room.put(kDuration);
    if (duration)
      put_ms(room, *duration);
    else
      room.put(kNull);
    room.put(duration ? kComplete : kOrphan);
  } else if (values.kind == Kind::task_start && values.flag(censored)) {
    room.put(kCensored);
  }
  if (const std::string_view event_type = schema::info(values.kind).event_type; !event_type.empty()) {
    room.put(kEventType);
    room.put(event_type);
    room.put('"');
  }
  room.close('}');
}

}  // namespace

void append_event_data(std::string& out, const event::Values& values) {
  Room room(out, most_of_data(values));
  put_data(room, values);
}

void append_real(std::string& out, double value) {
  Room room(out, Room::kNumberBytes);
  room.number(value);
}

void append_event_json(std::string& out, const LaneId& lane, const event::Values& stored, std::uint32_t revision) {
  constexpr std::size_t kMembers = 10;
  const std::int64_t time_ns = journal::time_of(stored);
  const std::string_view type = type_of(stored);
  const event::Text *const agent = agent_of(stored), *const task = task_of(stored);
  std::size_t most = kMembers * kMemberBytes + 6 * type.size() + most_of_data(stored);
  if (agent != nullptr) most += Room::most(*agent);
  if (task != nullptr) most += Room::most(*task);

  Room room(out, most);
  room.put(kId);
  room.hex(lane.segment.data(), lane.segment.size());
  room.put('-');
  room.number(lane.lane);
  room.put('-');
  room.number(stored.sequence);
  room.put(kType);
  room.text(type);
  room.put(kTimestamp);
  room.to(put_time_ms(room.at(), time_ns));
  room.put(kTimestampNs);
  room.number(time_ns);
  room.put('"');
  put_member(room, kAgent, agent);
  put_member(room, kTask, task);
  if (stored.kind == Kind::generic) {
    constexpr int trace = schema::find_field(Kind::generic, "traceId");
    constexpr int span = schema::find_field(Kind::generic, "spanId");
    put_member(room, kTrace, text_at(stored, trace));
    put_member(room, kSpan, text_at(stored, span));
  }
  room.put(kData);
  put_data(room, stored);
  if (revision != 0) {
    room.put(kRevision);
    room.number(revision);
  }
  room.put('}');
}

}  // namespace arbiter::snapshot
