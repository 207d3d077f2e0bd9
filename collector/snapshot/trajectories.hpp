// Trajectories of all tasks, in the order of the task ids' bytes as shown, of events that come in order of time.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/split.hpp"
#include "collector/snapshot/trajectory.hpp"

namespace arbiter::snapshot {

class Trajectories {
 public:
  // `place`: where what memory does not hold is set aside.
  Trajectories(const Place& place, std::size_t sort_memory_bytes, const RewardFormula& formula, const Split& split)
      : sorter_(place, sort_memory_bytes), trajectory_(formula), split_(split) {}

  Result<void> add(const journal::StoredEvent& e);

  // After the last add. Each trajectory comes in pieces, so that a task of any number of events passes through without being held.
  using Take = std::function<Result<void>(std::string_view piece, Side side, bool ends)>;
  Result<void> each(const Take& take);

 private:
  Sorter sorter_;
  TrajectoryWriter trajectory_;
  Split split_;
  std::string key_, record_;
};

}  // namespace arbiter::snapshot
