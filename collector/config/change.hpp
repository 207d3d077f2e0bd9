// What differs between two configurations, and what of it a running collector can take over.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "collector/config/config.hpp"

namespace arbiter::config {

struct Change {
  std::string_view key;
  std::string from, to;  // as in a file
  bool live;             // may change while running
};
std::vector<Change> difference(const Config& from, const Config& to);

struct Applied {
  std::vector<std::string_view> applied;        // keys that `running` now has
  std::vector<std::string_view> needs_restart;  // keys that differ still
  bool has(std::string_view key) const;         // among those applied
};
// Takes over into `running` what may change while running.
Applied apply(Config& running, const Config& wanted);

boost::json::object json_of(const Applied& applied);  // {"applied": [...], "needs_restart": [...]}

}  // namespace arbiter::config
