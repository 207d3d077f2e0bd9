#include "collector/config/change.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "collector/config/table.hpp"

namespace arbiter::config {

std::vector<Change> difference(const Config& from, const Config& to) {
  std::vector<Change> changes;
  for (const Key& key : keys()) {
    const Value before = key.get(key, from), after = key.get(key, to);
    if (before == after) continue;
    changes.push_back({key.path, boost::json::serialize(json_of(key, before)), boost::json::serialize(json_of(key, after)), key.live});
  }
  return changes;
}

bool Applied::has(std::string_view key) const { return std::find(applied.begin(), applied.end(), key) != applied.end(); }

Applied apply(Config& running, const Config& wanted) {
  Applied result;
  for (const Key& key : keys()) {
    const Value value = key.get(key, wanted);
    if (value == key.get(key, running)) continue;
    if (key.live) key.set(key, running, value);
    (key.live ? result.applied : result.needs_restart).push_back(key.path);
  }
  return result;
}

boost::json::object json_of(const Applied& applied) {
  const auto list = [](const std::vector<std::string_view>& names) {
    boost::json::array array;
    for (const auto name : names) array.emplace_back(name);
    return array;
  };
  return {{"applied", list(applied.applied)}, {"needs_restart", list(applied.needs_restart)}};
}

}  // namespace arbiter::config
