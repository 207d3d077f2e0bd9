// What the control plane may ask of the collector. The server (control/) knows this interface and nothing behind it.
// Every call may come from any thread. Errors carry an HTTP status.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::service {

// `code` of an Error that comes from here is an HTTP status (400, 404, 409, 500, 503).

struct EventsQuery {
  std::optional<std::int64_t> since_ns, until_ns;
  std::string type, agent, task;  // empty: any. Raw ids, or the shown form of hashed ones.
  std::uint64_t limit = 1000;     // the newest so many
};

struct ProfilesQuery {
  std::string window;            // by its name; empty: the longest; "retained": exactly what retention has left, by a pass over it
  std::string agent, task_type;  // empty: any. Raw, or the shown form of hashed ones.
  bool fresh = true;             // reflects every event recorded before
};

// Who asked, as the audit has it (audit.hpp): {"uid": .., "pid": ..}, or {"trigger": ".."}.
using By = boost::json::object;

struct AnomaliesQuery {
  std::string type, agent;  // empty: any; the agent raw, or the shown form of a hashed one
  bool open_only = false;
  std::uint64_t limit = 100;  // of those that are over, the latest
};

struct ExportRequest {
  std::string since = {};                 // "", "time:<RFC 3339 or unix ms>", "cursor:<c>", "snapshot:<n>"
  std::vector<std::string> formats = {};  // empty: those of the configuration
  By by = {};
  bool configured = false;  // full or an increment, as the configuration says; else full unless `since` says otherwise
};

enum class ConfigShown : std::uint8_t {
  running,
  defaults,   // as they are here, for this user
  differing,  // {"retention.max_events": {"running": 7, "default": null}, ..}: keys whose value is not the default
};

class Service {
 public:
  virtual ~Service() = default;

  // `fresh`: reflects every event recorded before the call.
  virtual Result<boost::json::object> status() = 0;
  virtual Result<boost::json::object> stats(bool fresh) = 0;
  virtual Result<void> events(const EventsQuery& query,
                              const std::function<bool(std::string_view json_line)>& line) = 0;  // in order of time
  virtual Result<boost::json::object> window_stats(const ProfilesQuery& query) = 0;
  virtual Result<boost::json::object> agents(const ProfilesQuery& query) = 0;  // of every agent in a line, or all of the one named
  virtual Result<boost::json::object> anomalies(
      const AnomaliesQuery& query) = 0;  // {"open": [...], "resolved": [...], "abstaining": [...]}
  virtual Result<boost::json::object> task(std::string_view task_id) = 0;
  virtual Result<boost::json::object> export_snapshot(
      const ExportRequest& request) = 0;  // {"path": ..., "manifest": {...}}, when it is complete
  virtual Result<void> flush() = 0;
  virtual Result<void> set_enabled(bool enabled, const By& by) = 0;  // pause and resume
  virtual Result<void> clear(const By& by) = 0;
  virtual Result<boost::json::object> config(ConfigShown which) = 0;
  // All of `changes`, or none of them. {"applied": [...], "needs_restart": [...]}
  virtual Result<boost::json::object> set_config(const boost::json::object& changes, const By& by) = 0;
  virtual std::string metrics() = 0;  // Prometheus text
};

}  // namespace arbiter::service
