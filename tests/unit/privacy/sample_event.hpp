// Events with every field of their kind set, for tests. What must not survive anonymisation begins with "raw-".
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "shm/event.hpp"

namespace arbiter::sample {

// A kind's values, and what they point to.
struct Event {
  event::Values values;
  std::deque<std::string> strings;

  event::Text keep(std::string text) { return std::string_view(strings.emplace_back(std::move(text))); }
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

inline constexpr std::int64_t kStampNs = 1'700'000'000'123'456'789;

inline std::string list_bytes(const schema::List& list) {
  std::string out;
  event::ListWriter writer(out);
  for (int i = 0; i < 2; ++i) {
    writer.item();
    for (unsigned f = 0; f < list.fields.size(); ++f) {
      const schema::Field& field = list.fields[f];
      if (!field.string())
        writer.real(f, 0.25 * (i + 1));
      else if (!field.choices.empty())
        writer.text(f, field.choices[static_cast<std::size_t>(i)]);
      else {
        const std::string text = (field.subject == schema::Subject::none ? "item-" : "raw-") + std::string(field.path) + std::to_string(i);
        writer.text(f, std::string_view(text));
      }
    }
  }
  return out;
}

// Sets every field of the kind. Ids and free text begin with "raw-"; so do ids within JSON.
inline void fill(Event& e, Kind kind) {
  event::Values& v = e.values;
  v = event::Values{};
  v.kind = kind;
  v.stamp = static_cast<std::uint64_t>(kStampNs);
  v.sequence = 7;
  const auto fields = schema::info(kind).fields;
  for (unsigned f = 0; f < fields.size(); ++f) {
    const schema::Field& field = fields[f];
    switch (field.type) {
      case schema::Type::boolean: v.set_flag(f, !field.hidden); break;
      case schema::Type::count: v.set(f, 100 + f); break;
      case schema::Type::real: v.set_real(f, 0.125); break;
      case schema::Type::time: v.set_time(f, kStampNs - 1'500'000); break;
      case schema::Type::hex: v.set_text(f, e.keep(std::string(field.hex_digits, 'c'))); break;
      case schema::Type::json:
        v.set_text(
            f, e.keep(R"({ "taskId": "raw-taskId", "nested": [{"selectedAgent": "raw-agentId"}], "x": 1.50, "reason": "raw-reason" })"));
        break;
      case schema::Type::list: v.set_text(f, e.keep(list_bytes(*field.list))); break;
      case schema::Type::word:
        v.set_text(f, e.keep(field.choices.empty() ? "word of " + std::string(field.path) : std::string(field.choices[0])));
        break;
      case schema::Type::id:
      case schema::Type::text: v.set_text(f, e.keep("raw-" + std::string(field.path))); break;
    }
  }
}

inline std::string encoded(const event::Values& values) {
  std::string out(event::encoded_bytes(values), '\0');
  event::encode(values, reinterpret_cast<std::byte*>(out.data()));
  return out;
}

inline std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (const schema::KindInfo& info : schema::kKindTable) kinds.push_back(info.kind);
  return kinds;
}

}  // namespace arbiter::sample
