// Which field of a kind says what all kinds have in common: the agent, the task, the task's type.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "shm/event.hpp"

namespace arbiter::snapshot {

struct CommonFields {
  int agent = -1, task = -1, task_type = -1, execution = -1;  // index in the kind's table; -1: the kind has none
};

inline constexpr std::array<CommonFields, kKinds> kCommonFields = [] {
  std::array<CommonFields, kKinds> all{};
  for (std::size_t i = 0; i < kKinds; ++i) {
    const Kind kind = schema::kKindTable[i].kind;
    all[i].agent = schema::find_field(kind, kind == Kind::routing_decision ? "selectedAgent" : "agentId");
    all[i].task = schema::find_field(kind, "taskId");
    all[i].task_type = schema::find_field(kind, "taskType");
    all[i].execution = schema::find_field(kind, "executionId");
  }
  return all;
}();
constexpr const CommonFields& common_fields(Kind kind) { return kCommonFields[static_cast<std::size_t>(kind) - 1]; }

// The text of a field that the kind may not have and the event may not hold.
inline const event::Text* text_at(const event::Values& values, int field) {
  return field >= 0 && values.has(static_cast<unsigned>(field)) ? &values.text[static_cast<std::size_t>(field)] : nullptr;
}
inline const event::Text* task_of(const event::Values& values) { return text_at(values, common_fields(values.kind).task); }
inline const event::Text* agent_of(const event::Values& values) { return text_at(values, common_fields(values.kind).agent); }

// `type` of the exported event.
inline std::string_view type_of(const event::Values& values) {
  constexpr unsigned generic = schema::field(Kind::generic, "type");
  return values.kind == Kind::generic ? values.text[generic].bytes() : schema::info(values.kind).type;
}

}  // namespace arbiter::snapshot
