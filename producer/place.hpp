// Where a producer looks for the directory of lanes.
#pragma once

#include <string>

#include "arbiter/producer.hpp"
#include "shm/result.hpp"

namespace arbiter::producer {

// The places that options and environment leave to look at, in order.
struct Places {
  std::string named;      // by option or ARBITER_RING_DIR: this and no other; made if it is missing
  std::string system;     // /run/arbiter/lanes, if this process may write there
  std::string own;        // $XDG_RUNTIME_DIR/arbiter/lanes or /dev/shm/arbiter-<uid>/lanes, if it exists and is this user's
  std::string wrong;      // an option that cannot be meant: no place serves
  bool disabled = false;  // ARBITER_DISABLE=1

  bool operator==(const Places&) const = default;
};

// Reads the environment.
Places places(const ProducerOptions& options);

// The first that serves now. System calls; makes `named`, no other.
Result<std::string> find_lanes(const Places& places);

}  // namespace arbiter::producer
