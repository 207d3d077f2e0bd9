#include "collector/privacy/json_rewrite.hpp"

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>

#include "collector/privacy/json_text.hpp"
#include "collector/privacy/key_words.hpp"
#include "shm/schema.hpp"

namespace arbiter::privacy {
namespace {

// What happens to a value.
struct Mode {
  bool hash_strings = false;
  bool hash_numbers = false;
  bool drop = false;  // strings, objects, lists: the whole member goes
};

Mode mode_under(std::string_view key, Mode inherited, const Rules& rules) {
  Mode mode = inherited;  // never `drop`: nothing is written of what is dropped
  const KeyMeaning meaning = meaning_of(key);
  if (meaning.free_text) {
    if (rules.free_text == config::FreeText::hash) mode.hash_strings = true;
    mode.drop = rules.free_text == config::FreeText::drop;
  } else if ((rules.preserve_agent_ids && meaning.agent && !meaning.task) || (rules.preserve_task_types && meaning.task_type)) {
    mode.hash_strings = mode.hash_numbers = false;
  } else if (meaning.id || meaning.agent || meaning.task) {
    mode.hash_strings = true;
    mode.hash_numbers |= meaning.id;
  }
  return mode;
}

// Is this what programs call a field, rather than an id that serves as a key?
bool field_name(std::string_view key) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (key.empty() || !letter(key.front())) return key.empty();
  return std::all_of(key.begin(), key.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Writes the document that the parser reads, as the rules want it.
class Rewriter : public json::Listener {
 public:
  Rewriter(std::span<const std::string_view> own_ids, const Rules& rules, const Prf& prf, JsonScratch& scratch, std::string& out)
      : own_ids_(own_ids), rules_(rules), prf_(prf), out_(out), key_(scratch.key), text_(scratch.text) {
    key_.clear();
    text_.clear();
  }

  bool on_object_begin(error_code& error) { return open('{', true, error); }
  bool on_object_end(std::size_t, error_code&) { return close('}'); }
  bool on_array_begin(error_code& error) { return open('[', false, error); }
  bool on_array_end(std::size_t, error_code&) { return close(']'); }

  bool on_key_part(string_view part, std::size_t, error_code&) {
    if (skipped_ == 0) key_.append(part);
    return true;
  }
  bool on_key(string_view part, std::size_t, error_code&) {
    if (skipped_ != 0) return true;
    key_.append(part);
    const Mode inherited = levels_[depth_].mode;
    mode_ = mode_under(key_, inherited, rules_);
    key_is_id_ = (inherited.hash_strings && !field_name(key_)) || std::find(own_ids_.begin(), own_ids_.end(), key_) != own_ids_.end();
    return true;
  }

  bool on_string_part(string_view part, std::size_t, error_code&) {
    if (skipped_ == 0) text_.append(part);
    return true;
  }
  bool on_string(string_view part, std::size_t, error_code&) {
    if (skipped_ != 0) return true;
    text_.append(part);
    const Mode mode = next_mode();
    if (!mode.drop) {
      begin_value();
      if (mode.hash_strings)
        append_hashed(text_);
      else
        json::append_string(out_, text_);
    }
    key_.clear();
    text_.clear();
    return true;
  }

  bool on_number_part(string_view part, error_code&) {
    if (skipped_ == 0) text_.append(part);
    return true;
  }
  bool on_int64(std::int64_t, string_view part, error_code&) { return number(part); }
  bool on_uint64(std::uint64_t, string_view part, error_code&) { return number(part); }
  bool on_double(double, string_view part, error_code&) { return number(part); }
  bool on_bool(bool value, error_code&) { return word(value ? "true" : "false"); }
  bool on_null(error_code&) { return word("null"); }

 private:
  struct Level {
    Mode mode;
    bool object = false;
    bool empty = true;
  };

  Mode next_mode() const { return depth_ != 0 && levels_[depth_].object ? mode_ : levels_[depth_].mode; }

  // What comes before a value: the comma, the key.
  void begin_value() {
    Level& level = levels_[depth_];
    if (depth_ == 0) return;
    if (!level.empty) out_ += ',';
    level.empty = false;
    if (!level.object) return;
    if (key_is_id_)
      append_hashed(key_);
    else
      json::append_string(out_, key_);
    out_ += ':';
  }

  bool open(char bracket, bool object, error_code& error) {
    if (skipped_ != 0 || next_mode().drop) {
      ++skipped_;
      return true;
    }
    const Mode mode = next_mode();
    begin_value();
    key_.clear();
    if (depth_ + 1 == levels_.size()) {
      error = boost::json::error::too_deep;
      return false;
    }
    levels_[++depth_] = {mode, object, true};
    out_ += bracket;
    return true;
  }

  bool close(char bracket) {
    if (skipped_ != 0) {
      if (--skipped_ == 0) key_.clear();
      return true;
    }
    --depth_;
    out_ += bracket;
    return true;
  }

  bool number(string_view part) {
    if (skipped_ != 0) return true;
    text_.append(part);
    begin_value();
    if (next_mode().hash_numbers)
      append_hashed(text_);
    else
      out_ += text_;
    key_.clear();
    text_.clear();
    return true;
  }

  bool word(std::string_view text) {
    if (skipped_ != 0) return true;
    begin_value();
    out_ += text;
    key_.clear();
    return true;
  }

  void append_hashed(std::string_view id) {
    if (id.empty() || event::parse_hashed(id)) {
      json::append_string(out_, id);
      return;
    }
    std::array<char, event::kHashBytes> hash;
    prf_(id, hash.data());
    out_ += '"';
    json::append_hash(out_, hash.data());
    out_ += '"';
  }

  std::span<const std::string_view> own_ids_;
  const Rules& rules_;
  const Prf& prf_;
  std::string& out_;
  std::string& key_;   // of the member whose value comes next
  std::string& text_;  // of the string or number being read
  bool key_is_id_ = false;
  Mode mode_;  // of the member whose value comes next
  std::size_t depth_ = 0;
  std::size_t skipped_ = 0;  // depth inside a member that is dropped
  std::array<Level, schema::kJsonDepthMax + 2> levels_;
};

class TopLevel : public json::Listener {
 public:
  explicit TopLevel(TopLevelIds& found) : found_(found) {}

  bool on_object_begin(error_code&) { return begin(); }
  bool on_object_end(std::size_t, error_code&) { return end(); }
  bool on_array_begin(error_code&) { return begin(); }
  bool on_array_end(std::size_t, error_code&) { return end(); }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    if (depth_ == 1) add_to_key(part);
    return true;
  }
  bool on_key(string_view part, std::size_t, error_code&) {
    if (depth_ != 1) return true;
    add_to_key(part);
    wanted_ = key_ == "taskId" ? &found_.task : key_ == "agentId" ? &found_.agent : nullptr;
    if (wanted_ != nullptr) wanted_->clear();
    key_.clear();
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) { return take(part); }
  bool on_string(string_view part, std::size_t, error_code&) { return take(part); }

 private:
  bool begin() {
    ++depth_;
    wanted_ = nullptr;
    return true;
  }
  bool end() {
    --depth_;
    wanted_ = nullptr;
    return true;
  }
  void add_to_key(string_view part) { key_.append(part.substr(0, kKeyBytes - std::min(kKeyBytes, key_.size()))); }
  bool take(string_view part) {
    if (depth_ == 1 && wanted_ != nullptr) wanted_->append(part);
    return true;
  }

  static constexpr std::size_t kKeyBytes = 15;  // longer keys are not looked for

  TopLevelIds& found_;
  std::string key_;
  std::string* wanted_ = nullptr;
  std::size_t depth_ = 0;
};

boost::json::parse_options options() {
  boost::json::parse_options options;
  options.max_depth = schema::kJsonDepthMax;
  return options;
}

bool white(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

bool rewrite_json(std::string_view text, std::span<const std::string_view> own_ids, const Rules& rules, const Prf& prf,
                  JsonScratch& scratch, std::string& out) {
  boost::json::basic_parser<Rewriter> parser(options(), own_ids, rules, prf, scratch, out);
  boost::json::error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  return !error && read == text.size();
}

void minify_json(std::string_view text, std::string& out) {
  bool in_string = false;
  std::size_t kept = 0;  // where the run that is kept began
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (white(text[i])) {
      out.append(text, kept, i - kept);
      kept = i + 1;
    }
  }
  if (kept < text.size()) out.append(text, kept);
}

bool has_white_space(std::string_view text) { return text.find_first_of(" \n\r\t") != std::string_view::npos; }

void find_top_level_ids(std::string_view text, TopLevelIds& found) {
  found.task.clear();
  found.agent.clear();
  // Most objects have neither, and a key written with escapes has a backslash: those alone need reading.
  if (text.find('\\') == std::string_view::npos && text.find("\"taskId\"") == std::string_view::npos &&
      text.find("\"agentId\"") == std::string_view::npos)
    return;
  boost::json::basic_parser<TopLevel> parser(options(), found);
  boost::json::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  if (!error) return;
  found.task.clear();
  found.agent.clear();
}

}  // namespace arbiter::privacy
