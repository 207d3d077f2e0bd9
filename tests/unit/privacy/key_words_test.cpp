#include "collector/privacy/key_words.hpp"

#include <doctest/doctest.h>

#include <string>

using arbiter::privacy::meaning_of;

namespace {

// What the key means, in letters: i(d) a(gent) t(ask) T(ask type) f(ree text).
std::string meaning(std::string_view key) {
  const auto m = meaning_of(key);
  std::string letters;
  if (m.id) letters += 'i';
  if (m.agent) letters += 'a';
  if (m.task) letters += 't';
  if (m.task_type) letters += 'T';
  if (m.free_text) letters += 'f';
  return letters;
}

}  // namespace

TEST_CASE("a key's words are found as camelCase and snake_case split them") {
  CHECK(meaning("id") == "i");
  CHECK(meaning("ids") == "i");
  CHECK(meaning("ID") == "i");
  CHECK(meaning("IDs") == "i");
  CHECK(meaning("IDS") == "i");
  CHECK(meaning("agent") == "a");
  CHECK(meaning("Agent") == "a");
  CHECK(meaning("AGENT") == "a");
  CHECK(meaning("task") == "t");
  CHECK(meaning("agents") == "a");
  CHECK(meaning("tasks") == "t");
  CHECK(meaning("selectedAgent") == "a");
  CHECK(meaning("task_id") == "it");
  CHECK(meaning("taskId") == "it");
  CHECK(meaning("taskID") == "it");
  CHECK(meaning("TASK_ID") == "it");
  CHECK(meaning("parentTaskIds") == "it");
  CHECK(meaning("parent_task_ids") == "it");
  CHECK(meaning("AgentIDs") == "ia");
  CHECK(meaning("agentIDsByName") == "ia");
  CHECK(meaning("agentIDList") == "ia");
  CHECK(meaning("IDList") == "i");
  CHECK(meaning("HTTPAgent") == "a");
  CHECK(meaning("user-id") == "i");
  CHECK(meaning("user.id") == "i");
  CHECK(meaning("user id") == "i");
  CHECK(meaning("$id") == "i");
  CHECK(meaning("_id") == "i");
  CHECK(meaning("id2") == "i");
  CHECK(meaning("Id3a") == "i");
  CHECK(meaning("2id") == "i");
  CHECK(meaning("agent1") == "a");
  CHECK(meaning("task12Id") == "it");
  CHECK(meaning("taskid") == "it");
  CHECK(meaning("agentids") == "ia");
  CHECK(meaning("AGENTID") == "ia");
  CHECK(meaning("agent\u2013x") == "a");  // what is no ASCII letter parts words
  CHECK(meaning("taskCount") == "t");
}

TEST_CASE("words that only hold those letters mean nothing") {
  for (const char* key : {"",        "provider",  "idea",       "IDEA",      "valid", "identity", "width", "grid", "agentic", "agency",
                          "reagent", "multitask", "taskmaster", "candidate", "_",     "123",      "idx",   "uuid", "i_d",     "iD"}) {
    CAPTURE(key);
    CHECK(meaning(key).empty());
  }
  CHECK(meaning(std::string(100'000, 'a')).empty());
  CHECK(meaning("a_very_long_word_that_ends_in_agentagentagentagent").empty());
}

TEST_CASE("the task's type is a key of its own") {
  CHECK(meaning("taskType") == "tT");
  CHECK(meaning("task_type") == "tT");
  CHECK(meaning("TaskType") == "tT");
  CHECK(meaning("taskTypeId") == "it");
  CHECK(meaning("subTaskType") == "t");
  CHECK(meaning("typeTask") == "t");
  CHECK(meaning("type").empty());
}

TEST_CASE("free text stands under four keys, whole") {
  CHECK(meaning("rationale") == "f");
  CHECK(meaning("reason") == "f");
  CHECK(meaning("feedback") == "f");
  CHECK(meaning("message") == "f");
  CHECK(meaning("Message") == "f");
  CHECK(meaning("messageCount").empty());
  CHECK(meaning("reasoning").empty());
  CHECK(meaning("messages").empty());
}
