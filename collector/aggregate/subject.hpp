// Who an event is about: where each kind names its agent, its task and the task's type, and which kinds say whose a task is.
#pragma once

#include <array>
#include <string_view>

#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter::aggregate {

inline constexpr int kNoField = -1;

// Numbers of fields in the kind's table; kNoField where it has none.
struct SubjectFields {
  int agent = kNoField, task = kNoField, type = kNoField, status = kNoField;
  bool owns = false;  // says which agent has the task
};

inline constexpr std::array<SubjectFields, kKinds + 1> kSubjectFields = [] {
  std::array<SubjectFields, kKinds + 1> all{};
  for (const schema::KindInfo& kind : schema::kKindTable) {
    const auto at = [&kind](std::string_view path) { return schema::find_field(kind.kind, path); };
    all[static_cast<std::size_t>(kind.kind)] = {
        kind.kind == Kind::routing_decision ? at("selectedAgent") : at("agentId"), at("taskId"), at("taskType"), at("status"),
        kind.kind == Kind::routing_decision || kind.kind == Kind::task_start || kind.kind == Kind::task_execution};
  }
  return all;
}();

inline const SubjectFields& subject_fields(Kind kind) { return kSubjectFields[static_cast<std::size_t>(kind)]; }

// The text of that field; null: there is none.
inline const event::Text* text_of(const event::Values& v, int field) {
  return field != kNoField && v.has(static_cast<unsigned>(field)) ? &v.text[static_cast<unsigned>(field)] : nullptr;
}

}  // namespace arbiter::aggregate
