// A client of the collector's control socket: what arbiterctl, the tests and other tools of ours speak through.
//
// One request at a time, on the caller's thread, over a connection that is kept and made anew when it has gone. Errors: `code` is the HTTP
// status (400 to 599) where the collector refused, else an errno; the message says what to do.
#pragma once

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::client {

struct Reply {
  unsigned status = 0;
  std::string type;
  std::string body;
};

struct EventsFilter {
  std::string since, until;  // as control::parse_time reads them; empty: open
  std::string type, agent, task;
  std::uint64_t limit = 0;  // 0: the collector's default
};

struct ProfilesFilter {
  std::string window, agent, task_type;
  bool fresh = true;
};

struct AnomaliesFilter {
  std::string type, agent;
  bool open_only = false;
  std::uint64_t limit = 0;  // 0: the collector's default
};

class Client {
 public:
  static constexpr std::chrono::milliseconds kQuick{30'000};  // how long an answer of one piece may take
  static constexpr std::chrono::milliseconds kSlow{600'000};  // an export, a task, a piece of a list of events

  explicit Client(std::string socket);
  ~Client();
  Client(Client&&) noexcept;

  const std::string& socket() const;

  // Any request. An answer of any status is a reply; an error is that there was none.
  Result<Reply> request(std::string_view method, std::string_view target, std::string_view body = {},
                        std::chrono::milliseconds within = kQuick);

  // The object of a 200; anything else is an error with what the collector said.
  Result<boost::json::object> ask(std::string_view method, std::string_view target, std::string_view body = {},
                                  std::chrono::milliseconds within = kQuick);
  // The text of the last answer of `ask`, as it came: whoever prints it loses nothing to parsing.
  const std::string& answer_text() const { return answer_text_; }

  Result<boost::json::object> status() { return ask("GET", "/v1/status"); }
  Result<boost::json::object> stats(bool fresh = true) { return ask("GET", fresh ? "/v1/stats" : "/v1/stats?fresh=0"); }
  // Windows: "5m", "1h", "24h", "7d"; empty: all that is retained. Agent and type empty: any.
  Result<boost::json::object> window_stats(const ProfilesFilter& filter);
  Result<boost::json::object> agents(const ProfilesFilter& filter);  // all; or the one that it names
  Result<boost::json::object> anomalies(const AnomaliesFilter& filter);
  Result<boost::json::object> task(std::string_view task_id);
  Result<boost::json::object> export_snapshot(std::string_view since = {}, const std::vector<std::string>& formats = {});  // waits for it
  Result<boost::json::object> flush() { return ask("POST", "/v1/flush"); }
  Result<boost::json::object> pause() { return ask("POST", "/v1/pause"); }
  Result<boost::json::object> resume() { return ask("POST", "/v1/resume"); }
  Result<boost::json::object> clear() { return ask("DELETE", "/v1/data", {}, kSlow); }
  Result<boost::json::object> config() { return ask("GET", "/v1/config"); }
  Result<boost::json::object> config_defaults() { return ask("GET", "/v1/config?show=defaults"); }
  Result<boost::json::object> config_differing() { return ask("GET", "/v1/config?show=differing"); }  // service::ConfigShown
  Result<boost::json::object> set_config(const boost::json::object& changes);

  // One event a line, in order of time; `line` returns false to stop. An answer that breaks off is an error.
  Result<void> events(const EventsFilter& filter, const std::function<bool(std::string_view line)>& line);

 private:
  class Connection;
  std::unique_ptr<Connection> connection_;
  std::string answer_text_;
};

}  // namespace arbiter::client
