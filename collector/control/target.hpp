// The target of a request, taken apart: /v1/tasks/a%2Fb?limit=3
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::control {

struct Target {
  std::vector<std::string> path;                           // decoded: {"v1", "tasks", "a/b"}
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order; '+' stands for itself

  const std::string* find(std::string_view name) const;  // null: not there
};

Result<Target> parse_target(std::string_view target);  // error: 400

// Any bytes as one segment of a path or a value of a query.
std::string percent_encoded(std::string_view bytes);

}  // namespace arbiter::control
