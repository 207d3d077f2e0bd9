// Profiles as JSON: `stats --window`, `agents`, `agents NAME`. Shares and means over nothing are null.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/aggregate/figures.hpp"

namespace arbiter::service {

// What an answer is about, and how it begins.
struct AskedSpan {
  std::string window;                   // empty: all that is retained
  std::optional<std::int64_t> from_ns;  // of a window
  std::int64_t now_ns;
  std::int64_t complete_from_ns;  // nothing of the span from here on is missing
};

// Everybody, one agent, one type of task, or both of them; of everybody, how it went by time.
boost::json::object window_json(const AskedSpan& span, const aggregate::Profile& profile);
boost::json::array history_json(const std::vector<aggregate::Panes::Step>& steps);
// Every agent in a line: those with most executions first.
boost::json::object agents_json(const AskedSpan& span, std::vector<aggregate::AgentFigures> agents);
// All of one agent, by type of task too.
boost::json::object agent_json(const AskedSpan& span, const aggregate::AgentFigures& agent, const aggregate::AgentTrends& trends);

}  // namespace arbiter::service
