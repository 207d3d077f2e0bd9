// GET /metrics: the collector in Prometheus' text format (version 0.0.4). Names and units by its conventions: base units, _total for
// counters.
#pragma once

#include <string>

#include "collector/service/engine.hpp"

namespace arbiter::service {

std::string metrics_text(Engine& engine);  // on the drain's thread

}  // namespace arbiter::service
