// Profiles as JSON: `stats --window`, `agents`, `agents NAME`. Shares and means over nothing are null.
#pragma once

#include <boost/json/object.hpp>
#include <optional>

#include "collector/aggregate/window.hpp"

namespace arbiter::service {

// The whole span, or one agent, one type of task, or both of them.
boost::json::object window_json(const aggregate::Gathered& all, const aggregate::Window* window, const std::optional<event::Text>& agent,
                                const std::optional<event::Text>& task_type);
// Every agent in a line: those with most executions first.
boost::json::object agents_json(const aggregate::Gathered& all, const aggregate::Window* window);
// All of one agent, by type of task too. Nothing: no event in the span is of it.
std::optional<boost::json::object> agent_json(const aggregate::Gathered& all, const aggregate::Window* window, const event::Text& agent);

}  // namespace arbiter::service
