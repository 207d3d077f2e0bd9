// Where a producer looks for the directory of lanes.
#pragma once

#include <sys/un.h>

#include <string>
#include <vector>

#include "arbiter/producer.hpp"
#include "producer/problem.hpp"

namespace arbiter::producer {

// A lanes directory, and the names that go with it: worked out once, so that nothing is put together when it is needed.
struct Place {
  Place() = default;
  explicit Place(std::string directory);
  std::string lanes;
  std::string enabled_file;
  std::string parent;
  std::vector<std::string> way;  // the directories from the root to `lanes`
  sockaddr_un doorbell{};
  bool has_doorbell = false;  // the name fits into an address
};

// The places that options and environment leave to look at, in order.
struct Places {
  Place named;            // by option or ARBITER_RING_DIR: this and no other; made if it is missing
  Place system;           // /run/arbiter/lanes, if this process may write there
  Place own;              // $XDG_RUNTIME_DIR/arbiter/lanes or /dev/shm/arbiter-<uid>/lanes, if it exists and is this user's
  std::string wrong;      // an option that cannot be meant: no place serves
  bool disabled = false;  // ARBITER_DISABLE=1
  bool unknown = false;   // there was no memory to work them out: no place serves

  bool operator==(const Places& other) const;
};

// Reads the environment.
Places places(const ProducerOptions& options);

// The first that serves now; null and the problem if none does. System calls, no allocation; makes `named`, no other.
const Place* find_lanes(const Places& places, Problem& problem) noexcept;

}  // namespace arbiter::producer
