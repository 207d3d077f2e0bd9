// What a key takes, in words and in values.
#include "collector/config/table.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <type_traits>

#include "collector/config/address.hpp"
#include "collector/config/alertmanager.hpp"
#include "collector/config/formats.hpp"
#include "collector/config/nearest.hpp"
#include "collector/config/units.hpp"
#include "collector/config/windows.hpp"

namespace arbiter::config {
namespace {

std::string list_text(std::span<const std::string_view> words) {
  std::string text;
  for (const auto word : words) text.append(text.empty() ? "\"" : ", \"").append(word).append("\"");
  return text;
}

std::string number_text(const Key& key, std::uint64_t number) {
  switch (key.type) {
    case KeyType::duration:
    case KeyType::sync: return duration_text(std::chrono::nanoseconds(static_cast<std::int64_t>(number)));
    case KeyType::size: return size_text(number);
    default: return std::to_string(number);
  }
}

Error wrong(const Key& key, const boost::json::value& json, std::string_view why = {}) {
  constexpr std::size_t shown_bytes_max = 80;
  std::string shown = boost::json::serialize(json);
  if (shown.size() > shown_bytes_max) shown = shown.substr(0, shown_bytes_max) + "...";
  return {shown + (why.empty() ? " is not allowed" : " " + std::string(why)) + ": write " + allowed_text(key)};
}

Error wrong_choice(const Key& key, const boost::json::value& json, std::string_view word) {
  Error error = wrong(key, json);
  std::vector<std::string_view> candidates(key.choices.begin(), key.choices.end());
  if (key.type == KeyType::choices)
    for (const std::string_view brief : short_formats()) candidates.push_back(brief);
  if (const auto guess = nearest(word, candidates); !guess.empty()) error.message += "; did you mean \"" + std::string(guess) + "\"?";
  return error;
}

bool among(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Result<Value> number_in_range(const Key& key, const boost::json::value& json, std::optional<std::uint64_t> number) {
  if (!number) return wrong(key, json);
  if (*number < key.min || *number > key.max) return wrong(key, json, "is out of range");
  return Value(*number);
}

std::optional<std::uint64_t> count_of(const boost::json::value& json) {
  if (json.is_uint64()) return json.get_uint64();
  if (json.is_int64() && json.get_int64() >= 0) return static_cast<std::uint64_t>(json.get_int64());
  return std::nullopt;
}

std::optional<std::uint64_t> duration_of(const boost::json::value& json) {
  if (!json.is_string()) return std::nullopt;
  const auto parsed = parse_duration(std::string_view(json.get_string()));
  return parsed ? std::optional(static_cast<std::uint64_t>(parsed->count())) : std::nullopt;
}

Result<Value> windows_of(const Key& key, const boost::json::value& json) {
  if (!json.is_array()) return wrong(key, json);
  std::vector<std::string> list;
  for (const auto& item : json.get_array()) {
    if (!item.is_string()) return wrong(key, item);
    list.emplace_back(item.get_string());
  }
  if (const auto parsed = parse_windows(list); !parsed) return wrong(key, json, parsed.error().message);
  return Value(std::move(list));
}

Result<Value> formats_of(const Key& key, const boost::json::value& json) {
  if (!json.is_array()) return wrong(key, json);
  std::vector<std::string> list;
  for (const auto& item : json.get_array()) {
    if (!item.is_string()) return wrong(key, item);
    const auto files = files_of_format(std::string_view(item.get_string()));
    if (files.empty()) return wrong_choice(key, item, std::string_view(item.get_string()));
    for (const auto& file : files) {
      if (std::find(list.begin(), list.end(), file) != list.end()) return wrong(key, item, "is there twice");
      list.push_back(file);
    }
  }
  if (list.empty()) return wrong(key, json, "names no format");
  return Value(std::move(list));
}

}  // namespace

std::string allowed_text(const Key& key) {
  std::string text;
  const auto range = [&key](std::string_view what) {
    return std::string(what) + " from " + number_text(key, key.min) + " to " + number_text(key, key.max);
  };
  switch (key.type) {
    case KeyType::boolean: text = "true or false"; break;
    case KeyType::count: text = range("a whole number"); break;
    case KeyType::duration: text = range("a duration such as \"7d\" or \"1h30m\" (units w d h m s ms us ns)"); break;
    case KeyType::size: text = range("a size such as \"64MiB\" (units B KiB MiB GiB TiB)"); break;
    case KeyType::choice: text = "one of " + list_text(key.choices); break;
    case KeyType::choices: text = "a list of " + list_text(key.choices); break;
    case KeyType::address: text = "an address of this machine alone such as \"127.0.0.1:9464\" or \"[::1]:9464\""; break;
    case KeyType::alertmanager: text = "\"http://127.0.0.1:9093\", \"http://[::1]:9093\" or \"unix:/run/alertmanager.sock\""; break;
    case KeyType::path: text = "an absolute path"; break;
    case KeyType::windows: text = "a list of up to " + std::to_string(kWindowsMax) + " such as \"24h/4h\", a length and a slide"; break;
    case KeyType::sync: text = list_text(key.choices) + range(", or a duration such as \"100ms\""); break;
  }
  if (key.nullable)
    text.append(", or null for ").append(key.type == KeyType::path && key.null_means != "none" ? "the usual place" : key.null_means);
  return text;
}

Result<Value> value_of(const Key& key, const boost::json::value& json) {
  if (json.is_null()) {
    if (!key.nullable) return wrong(key, json);
    return Value(nullptr);
  }
  switch (key.type) {
    case KeyType::boolean:
      if (!json.is_bool()) return wrong(key, json);
      return Value(json.get_bool());
    case KeyType::count: return number_in_range(key, json, count_of(json));
    case KeyType::duration: return number_in_range(key, json, duration_of(json));
    case KeyType::size:
      return number_in_range(key, json, json.is_string() ? parse_size(std::string_view(json.get_string())) : count_of(json));
    case KeyType::choices: return formats_of(key, json);
    case KeyType::windows: return windows_of(key, json);
    default: break;
  }
  if (!json.is_string()) return wrong(key, json);
  const std::string_view text = json.get_string();
  if (key.type == KeyType::address) {
    if (!parse_loopback(text)) return wrong(key, json);
    return Value(std::string(text));
  }
  if (key.type == KeyType::alertmanager) {
    if (!parse_alertmanager(text)) return wrong(key, json);
    return Value(std::string(text));
  }
  if (key.type == KeyType::path) {
    constexpr std::size_t path_bytes_max = 4095;
    if (text.empty() || text.front() != '/' || text.find('\0') != text.npos) return wrong(key, json);
    if (text.size() > path_bytes_max) return wrong(key, json, "is too long");
    return Value(std::string(text));
  }
  if (among(text, key.choices)) return Value(std::string(text));
  if (key.type != KeyType::sync) return wrong_choice(key, json, text);
  const auto interval = number_in_range(key, json, duration_of(json));
  if (!interval) return interval.error();
  return Value(number_text(key, std::get<std::uint64_t>(*interval)));
}

boost::json::value json_of(const Key& key, const Value& value) {
  return std::visit(
      [&key](const auto& v) -> boost::json::value {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::uint64_t>) {
          if (key.type == KeyType::count) return v;
          return boost::json::string(number_text(key, v));
        } else if constexpr (std::is_same_v<T, std::string>) {
          return boost::json::string(v);
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          boost::json::array list;
          for (const auto& item : v) list.emplace_back(item);
          return list;
        } else {
          return v;
        }
      },
      value);
}

}  // namespace arbiter::config
