// What the key of a JSON member says about its value: whether ids are to be expected there, and whose.
//
// A key is split into words as camelCase and snake_case do: at anything that is no ASCII letter, before a capital that follows a small
// letter (selected|Agent), and before the last capital of a run when a small letter follows it (ID|List), but for a plural's s (AgentIDs is
// Agent|IDs). Letters' case does not count.
#pragma once

#include <string_view>

namespace arbiter::privacy {

struct KeyMeaning {
  bool id = false;         // has the word id or ids (or taskid, agentid, with or without an s)
  bool agent = false;      // has the word agent or agents
  bool task = false;       // has the word task or tasks
  bool task_type = false;  // is task|type and nothing else
  bool free_text = false;  // is rationale, reason, feedback or message, whole
};

KeyMeaning meaning_of(std::string_view key);

}  // namespace arbiter::privacy
