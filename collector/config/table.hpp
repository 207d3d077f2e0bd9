// The one table of configuration keys. Parsing, checking, printing, the schema, the documented file and `config get/set` all follow from
// it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "collector/config/config.hpp"
#include "collector/config/formats.hpp"
#include "shm/result.hpp"

namespace arbiter::config {

enum class KeyType : std::uint8_t {
  boolean,
  count,
  duration,      // "7d"; its number is nanoseconds
  size,          // "64MiB"; its number is bytes
  choice,        // one of `choices`
  choices,       // a list of them, without repetition
  address,       // of this machine alone, with a port (address.hpp)
  path,          // absolute; null: the place that fits who runs it (places.hpp)
  windows,       // a list of lengths and slides: "24h/4h"
  sync,          // one of `choices`, or a duration
  alertmanager,  // where one is (alertmanager.hpp)
};

// A key's value, whatever its type: null, bool, count or nanoseconds or bytes, text, list.
using Value = std::variant<std::nullptr_t, bool, std::uint64_t, std::string, std::vector<std::string>>;

struct Key {
  std::string_view path;  // "retention.max_age"
  KeyType type;
  bool nullable;                                   // null is allowed
  bool live;                                       // may change while the collector runs
  std::uint64_t min = 0, max = 0;                  // of numbers
  std::span<const std::string_view> choices = {};  // of choice, choices and sync
  std::string_view help;                           // one sentence
  std::string_view null_means = {};                // "no limit"
  Value (*get)(const Key&, const Config&) = nullptr;
  void (*set)(const Key&, Config&, const Value&) = nullptr;  // `value` has passed `value_of`

  std::string_view group() const { return path.find('.') == path.npos ? std::string_view{} : path.substr(0, path.find('.')); }
  std::string_view name() const { return path.substr(path.rfind('.') + 1); }
};

std::span<const Key> keys();  // in the order of the documented file; the keys of a group are neighbours
const Key* find_key(std::string_view path);
bool is_group(std::string_view path);
std::string_view nearest_key(std::string_view path);  // "" if none is near

std::string allowed_text(const Key& key);  // `a duration such as "7d", at least 1ms, or null for no limit`
Result<Value> value_of(
    const Key& key, const boost::json::value& json);  // checked; the error says what is wrong and what is allowed, without the key's name
boost::json::value json_of(const Key& key, const Value& value);  // as it stands in a file

}  // namespace arbiter::config
