#include "collector/privacy/key_words.hpp"

#include <array>
#include <cstddef>

namespace arbiter::privacy {
namespace {

bool lower(char c) { return c >= 'a' && c <= 'z'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
char lowered(char c) { return upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// The word being read, in small letters. Longer words than any that matters are cut: they match none.
struct Word {
  std::array<char, 12> letters;
  std::size_t size = 0;

  void add(char c) {
    if (size < letters.size()) letters[size++] = lowered(c);
  }
  std::string_view text() const { return {letters.data(), size}; }
};

// Does a new word begin at key[i], a letter that follows another letter?
bool begins_word(std::string_view key, std::size_t i) {
  if (!upper(key[i])) return false;
  if (lower(key[i - 1])) return true;
  if (i + 1 == key.size() || !lower(key[i + 1])) return false;
  const bool plural = key[i + 1] == 's' && (i + 2 == key.size() || !lower(key[i + 2]));
  return !plural;
}

bool is_free_text(std::string_view key) {
  constexpr std::array<std::string_view, 4> names = {"rationale", "reason", "feedback", "message"};
  Word whole;
  if (key.size() >= whole.letters.size()) return false;
  for (const char c : key) whole.add(c);
  for (const std::string_view name : names)
    if (whole.text() == name) return true;
  return false;
}

}  // namespace

KeyMeaning meaning_of(std::string_view key) {
  KeyMeaning meaning;
  std::size_t words = 0;
  bool task_first = false;
  Word word;
  const auto end_word = [&] {
    const std::string_view w = word.text();
    if (w.empty()) return;
    ++words;
    const bool task_id = w == "taskid" || w == "taskids";
    const bool agent_id = w == "agentid" || w == "agentids";
    const bool task = w == "task" || w == "tasks" || task_id;
    if (w == "id" || w == "ids" || task_id || agent_id) meaning.id = true;
    if (w == "agent" || w == "agents" || agent_id) meaning.agent = true;
    if (task) meaning.task = true;
    meaning.task_type = words == 2 && task_first && w == "type";
    task_first = words == 1 && w == "task";
    word.size = 0;
  };
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (!lower(key[i]) && !upper(key[i])) {
      end_word();
      continue;
    }
    if (word.size != 0 && begins_word(key, i)) end_word();
    word.add(key[i]);
  }
  end_word();
  meaning.free_text = is_free_text(key);
  return meaning;
}

}  // namespace arbiter::privacy
