// What the collector says of itself, as JSON: `stats` and `status`.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "collector/journal/journal.hpp"
#include "collector/service/engine.hpp"

namespace arbiter::service {

// Losses over all lanes, open and closed.
struct Losses {
  std::uint64_t attempted = 0, delivered = 0, quarantined = 0, rewound = 0, in_flight = 0;
  std::array<std::uint64_t, 4> dropped_by{};
  std::array<std::uint64_t, 12> refused_by{};
  std::uint64_t dropped() const;
  std::uint64_t refused() const;
};
Losses losses(const journal::Journal& journal);

// interfaces of `arbiterctl stats --json` and GET /v1/stats; also stats.json of a snapshot.
boost::json::object stats_json(const journal::Statistics& statistics, const Losses& losses);

// All but its health (health.hpp). On the drain's thread.
boost::json::object status_json(Engine& engine);

}  // namespace arbiter::service
