// What is asked about windows of time, and about exactly what is retained: of everybody, of agents, of types of task.
//
// A window's figures come from the panes that the follower's thread keeps, under its lock, so an answer takes milliseconds; `retained`
// takes a pass over the journal, on the thread of who asks. Who names no window is told of the longest one; or, where nothing is in it (a
// replay of old runs), of what is retained.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "collector/aggregate/follower.hpp"
#include "collector/aggregate/panes.hpp"
#include "collector/aggregate/retained.hpp"
#include "collector/config/config.hpp"
#include "collector/service/engine.hpp"
#include "collector/service/profile_report.hpp"
#include "collector/service/service.hpp"

namespace arbiter::service {

class Windows {
 public:
  Windows(Engine& engine, aggregate::Follower& follower, const config::Config& config);  // before the follower loads

  static std::chrono::nanoseconds longest(const config::Config& config);  // with its slide; 0: the configuration has no windows

  Result<boost::json::object> stats(const ProfilesQuery& query);
  Result<boost::json::object> agents(const ProfilesQuery& query);
  boost::json::value status();  // how the figures stand; null: none are kept
  std::string metrics();        // empty: none are kept

 private:
  struct Asking {
    const aggregate::Window& window;
    std::int64_t now_ns;
  };
  Result<Asking> asking(const ProfilesQuery& query);
  AskedSpan span_of(const Asking& asking, const aggregate::Moment& moment) const;
  struct Retained {
    AskedSpan span;
    aggregate::Gathered gathered;
  };
  Result<Retained> retained(const event::Text* trends_of);
  Result<boost::json::object> retained_stats(const std::optional<event::Text>& agent, const std::optional<event::Text>& task_type);
  Result<boost::json::object> retained_agents(const ProfilesQuery& query, const event::Text* agent);

  Engine& engine_;
  aggregate::Follower& follower_;
  std::optional<aggregate::Panes> panes_;  // nothing: the configuration has no windows
};

}  // namespace arbiter::service
