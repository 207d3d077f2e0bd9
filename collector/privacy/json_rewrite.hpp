// What anonymisation does to a caller's JSON object (the context of a decision or a start, the data of a generic event).
//
// With the rules on:
//   - every string under a key that has the word id, agent or task (key_words.hpp), at any depth, becomes "anon-<32 hex digits>"; under
//   such a key an
//     object or list is hashed throughout. The same id gives the same hash here and in the typed fields. An empty string stays, and so does
//     one that is already of that form;
//   - numbers, true, false and null stay, number for number as written; but under a key with the word id, where a number is an id like any
//   other, its text
//     is hashed (taskId: 42 and taskId: "42" are the same id; taskCount: 42 stays);
//   - what stands under the keys rationale, reason, feedback and message goes by free_text: kept, its strings hashed, or the member dropped
//   (not where the
//     value is a number, true, false or null: that is no text);
//   - preserve_agent_ids: a key with the word agent, and not task, hashes nothing; preserve_task_types: taskType and task_type hash
//   nothing.
//   - keys stay, but for those that are ids themselves ({"agentLoads": {"agent-7": 0.5}}): under a key as above those that are no names of
//   the kind
//     programs give to fields (a letter or _, then letters, digits and _), and anywhere those that are an id of the event itself.
// Spaces between the tokens go, so that the text is one line. Strings are written anew: their escapes may differ, their characters do not.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "collector/config/config.hpp"
#include "collector/privacy/prf.hpp"

namespace arbiter::privacy {

struct Rules {
  bool preserve_agent_ids = false;
  bool preserve_task_types = true;
  config::FreeText free_text = config::FreeText::drop;
};

// Room that rewriting needs, kept by the caller so that nothing is allocated event by event.
struct JsonScratch {
  std::string key, text;
};

// Appends the object as the rules want it; `own_ids` are those of the event that it belongs to. False: `json` is not JSON (validation lets
// none such through); what has been appended means nothing.
bool rewrite_json(std::string_view json, std::span<const std::string_view> own_ids, const Rules& rules, const Prf& prf,
                  JsonScratch& scratch, std::string& out);

// Appends `json`, which is valid, without the white space between its tokens; everything else byte for byte.
void minify_json(std::string_view json, std::string& out);

// Is there white space between the tokens (or within strings: then minify_json has nothing to do, and does it)?
bool has_white_space(std::string_view json);

// The strings that the object's top level has as taskId and agentId; empty where it has none, or other than a string. Of two, the last.
struct TopLevelIds {
  std::string task, agent;
};
void find_top_level_ids(std::string_view json, TopLevelIds& found);

}  // namespace arbiter::privacy
