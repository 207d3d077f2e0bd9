// Questions about single events, answered from a view: the newest events that match, and the story of one task.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/reward.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

struct EventFilter {
  std::optional<std::int64_t> since_ns, until_ns;  // event time: from, and before
  std::string type;                                // `type` of the exported event; empty: any
  std::optional<event::Text> agent, task;          // stored form (Anonymizer::hash_for_query)
};

// The newest `limit` events that match, each as one line of JSON (without newline), in order of time; `line` returns false to stop. Error:
// they take more than kQueryBytesMax (narrow the filter, or export). Any thread.
Result<void> query_events(const journal::View& view, const EventFilter& filter, std::uint64_t limit,
                          const std::function<bool(std::string_view)>& line);

inline constexpr std::size_t kQueryBytesMax = 256 << 20;  // of the events as they are stored
inline constexpr std::size_t kStoryBytesMax = 32 << 20;   // less: a story is built in memory as a whole

// Everything recorded under one task, as a trajectory (trajectory.hpp) is exported: {"taskId": .., "events": [..], ...}; and, under
// "wentWrong", what went wrong with it (went_wrong.hpp). Nothing: there is
// no such event. Error: its events take more than kQueryBytesMax.
Result<std::optional<boost::json::object>> task_story(const journal::View& view, const event::Text& task,
                                                      const RewardFormula& formula = {});

}  // namespace arbiter::snapshot
