// Agent processes that record at a given pace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shm/result.hpp"
#include "tests/bench/load.hpp"

namespace arbiter::bench {

struct CrowdPlan {
  std::string lanes{};
  unsigned processes = 1;
  unsigned threads = 1;      // of each process
  double events_per_s = 0;   // of all together; 0: as fast as there is room
  std::uint64_t events = 0;  // of all together, one a thread at least; 0: until the end
  Load load = Load::tasks;
  unsigned agents = 1;  // that they record for, shared out among the processes
};

class Crowd {
 public:
  // All have recorded an event when this returns.
  static Result<Crowd> start(const CrowdPlan& plan);
  ~Crowd();  // SIGKILL
  Crowd(Crowd&& other) noexcept;
  Crowd& operator=(Crowd&&) = delete;

  Result<void> wait();  // until each has recorded what the plan has for it; they stay, and are quiet

  struct Tally {
    std::uint64_t recorded = 0, dropped = 0;
  };
  Tally tally() const;
  Tally stop();  // no event is under way afterwards; they stay, and are quiet

 private:
  struct Shared;
  Crowd() = default;
  Shared* shared_ = nullptr;
  unsigned threads_ = 0;
  std::vector<pid_t> processes_;
};

}  // namespace arbiter::bench
