#include "collector/config/load.hpp"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "collector/config/document.hpp"
#include "collector/config/table.hpp"
#include "collector/config/units.hpp"

namespace arbiter::config {
namespace {

// Gathers what is wrong, one line each.
class Faults {
 public:
  explicit Faults(std::string_view name) : name_(name) {}
  void add(unsigned line, std::string_view key, std::string_view what) {
    if (!text_.empty()) text_ += '\n';
    if (!name_.empty()) text_.append(name_).append(":");
    if (line != 0) text_.append(std::to_string(line)).append(":");
    if (!text_.empty() && text_.back() == ':') text_ += ' ';
    if (!key.empty()) text_.append(key).append(": ");
    text_.append(what);
  }
  explicit operator bool() const { return !text_.empty(); }
  Error error() const { return {text_, kBadConfiguration}; }

 private:
  std::string_view name_;
  std::string text_;
};

std::string joined(const std::vector<std::string>& path) {
  std::string text;
  for (const auto& part : path) text.append(text.empty() ? "" : ".").append(part);
  return text;
}

std::string keys_of_group(std::string_view group) {
  std::string text;
  for (const Key& key : keys())
    if (key.group() == group) text.append(text.empty() ? "" : ", ").append(key.name());
  return text;
}

std::string unknown_key(const std::vector<std::string>& path) {
  const std::string whole = joined(path);
  if (path.size() == 1 && find_key(whole) != nullptr) {  // "retention.max_age": written with the dot
    const Key& key = *find_key(whole);
    return "no such key: keys are nested here, write \"" + std::string(key.group()) + "\": {\"" + std::string(key.name()) + "\": ...}";
  }
  if (const auto guess = nearest_key(whole); !guess.empty()) return "no such key: did you mean " + std::string(guess) + "?";
  if (path.size() > 1 && is_group(path.front())) return "no such key: the keys of " + path.front() + " are " + keys_of_group(path.front());
  return "no such key: arbiter-collector --print-config shows all there are";
}

// Lines of the keys that the document gives, for rules between keys.
using Lines = std::map<std::string, unsigned, std::less<>>;

void check_between_keys(const Config& config, const Lines& lines, Faults& faults) {
  const auto line_of = [&lines](std::string_view key) {
    const auto at = lines.find(key);
    return at == lines.end() ? 0U : at->second;
  };
  const auto& bytes = config.retention.max_bytes;
  if (bytes && *bytes / 2 < config.journal.segment_bytes) {
    const std::string_view key = "retention.max_bytes";
    faults.add(std::max(line_of(key), line_of("journal.segment_bytes")), key,
               size_text(*bytes) + " is less than twice journal.segment_bytes (" + size_text(config.journal.segment_bytes) +
                   "): raise it, or set journal.segment_bytes to at most " + size_text(*bytes / 2));
  }
}

// Lays every entry over `config`.
void lay(const Document& document, Config& config, Faults& faults) {
  Lines lines;
  const std::vector<std::string>* unknown = nullptr;  // what is below an unknown key is not complained about again
  for (const Entry& entry : document.entries) {
    const auto below = [&entry](const std::vector<std::string>& above) {
      return entry.path.size() > above.size() && std::equal(above.begin(), above.end(), entry.path.begin());
    };
    if (unknown != nullptr && below(*unknown)) continue;
    const std::string path = joined(entry.path);
    if (path == "$schema" && entry.value.is_string()) continue;  // editors look for it

    const bool nested_as_meant = entry.path.size() == (path.find('.') == path.npos ? 1U : 2U);
    const Key* key = nested_as_meant ? find_key(path) : nullptr;
    const bool group = entry.path.size() == 1 && is_group(path);
    if (const auto [at, first] = lines.try_emplace(path, entry.line); !first && (key != nullptr || group)) {
      faults.add(entry.line, path, "is there twice: first on line " + std::to_string(at->second));
      continue;
    }
    if (key == nullptr && !group) {
      unknown = &entry.path;
      faults.add(entry.line, path, unknown_key(entry.path));
    } else if (group) {
      if (!entry.value.is_object()) faults.add(entry.line, path, "is a group of keys: write {...} with some of " + keys_of_group(path));
    } else {
      if (entry.value.is_object()) unknown = &entry.path;
      if (const auto value = value_of(*key, entry.value))
        key->set(*key, config, *value);
      else
        faults.add(entry.line, path, value.error().message);
    }
  }
  if (!faults) check_between_keys(config, lines, faults);
}

Result<std::string> read_file(const std::string& path) {
  constexpr std::uintmax_t bytes_max = 1 << 20;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Error{path + ": is a directory: name a file", kBadConfiguration};
  const auto size = std::filesystem::file_size(path, error);
  if (!error && size > bytes_max) return Error{path + ": is over 1MiB: that is no configuration", kBadConfiguration};
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{path + ": cannot be read: " + std::strerror(errno), kBadConfiguration};
  return {boost::system::in_place_value, std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

}  // namespace

Result<Config> parse(std::string_view text, std::string_view name) {
  const auto document = read_document(text);
  if (!document) return Error{std::string(name) + ":" + document.error().message, kBadConfiguration};
  Config config;
  Faults faults(name);
  lay(*document, config, faults);
  if (faults) return faults.error();
  return config;
}

Result<Config> merged(const Config& base, const boost::json::object& changes) {
  Config config = base;
  Faults faults({});
  lay(document_of(changes), config, faults);
  if (faults) return Error{faults.error().message, 400};
  return config;
}

Result<Loaded> load(const Options& options, const Surroundings& who) {
  auto found = places(who, options.instance);
  if (!found) return Error{found.error().message, kBadConfiguration};
  Loaded loaded;
  loaded.places = *found;
  loaded.file = options.file;
  std::error_code ignored;
  if (options.file.empty() && std::filesystem::exists(loaded.places.config_file, ignored)) loaded.file = loaded.places.config_file;
  if (!loaded.file.empty()) {
    const auto text = read_file(loaded.file);
    if (!text) return text.error();
    auto config = parse(*text, loaded.file);
    if (!config) return config.error();
    loaded.config = std::move(*config);
  }
  const auto over = [](std::string& field, const std::string& option) {
    if (!option.empty()) field = absolute(option);
  };
  over(loaded.config.ring_dir, options.ring_dir);
  over(loaded.config.state_dir, options.state_dir);
  over(loaded.config.export_dir, options.export_dir);
  over(loaded.config.socket, options.socket);
  fill(loaded.config, loaded.places);
  return loaded;
}

Result<boost::json::object> assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos || equals == 0)
    return Error{"\"" + std::string(text) + "\" is no KEY=VALUE: write for example retention.max_events=100"};
  const std::string path(text.substr(0, equals));
  const std::string_view written = text.substr(equals + 1);
  const Key* key = find_key(path);
  if (key == nullptr) {
    if (is_group(path)) return Error{path + ": is a group of keys: set one of " + keys_of_group(path)};
    const std::size_t dot = path.find('.');
    std::vector<std::string> parts = {path.substr(0, dot)};
    if (dot != path.npos) parts.push_back(path.substr(dot + 1));
    return Error{path + ": " + unknown_key(parts)};
  }

  boost::json::error_code error;
  boost::json::value value = boost::json::parse(written, error);
  if (error && (key->type == KeyType::choices || key->type == KeyType::windows)) {
    boost::json::array list;
    for (std::size_t at = 0; at <= written.size();) {
      const std::size_t comma = std::min(written.find(',', at), written.size());
      list.emplace_back(written.substr(at, comma - at));
      at = comma + 1;
    }
    value = std::move(list);
  } else if (error) {
    value = boost::json::string(written);
  }
  if (const auto checked = value_of(*key, value); !checked) return checked.error().while_(path);

  boost::json::object object;
  if (key->group().empty())
    object[key->path] = std::move(value);
  else
    object[key->group()] = boost::json::object({{key->name(), std::move(value)}});
  return object;
}

}  // namespace arbiter::config
