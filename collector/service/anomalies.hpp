// From what the detector finds to what an operator is told: names, likely causes, the book, the log, alerts.
//
//   follower ─finding→ queue ─→ this thread: who is it? ─→ news? ─→ causes, out of the journal ─→ book ─→ log, alerts
//
// The follower's thread only queues. kFindingsMax wait; what comes beyond is counted, and found again after the next start.
#pragma once

#include <boost/json/object.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "collector/aggregate/follower.hpp"
#include "collector/config/config.hpp"
#include "collector/detect/causes.hpp"
#include "collector/detect/detector.hpp"
#include "collector/service/alerts.hpp"
#include "collector/service/anomaly_book.hpp"
#include "collector/service/engine.hpp"

namespace arbiter::service {

class Anomalies {
 public:
  static constexpr std::size_t kFindingsMax = 10'000;

  Anomalies(Engine& engine, aggregate::Follower& follower);
  ~Anomalies() { stop(); }
  Anomalies(const Anomalies&) = delete;
  Anomalies& operator=(const Anomalies&) = delete;

  detect::Detector& detector() { return detector_; }
  void start();  // before the follower starts
  void stop();   // after it has stopped: what it found is in the book then, at least
  void configure(const config::Config& config);

  struct Asked {
    std::string type, agent;  // empty: any; the agent as shown
    bool open_only = false;
    std::uint64_t limit = 100;  // of those that are over
  };
  boost::json::object json(const Asked& asked);

  struct Figures {
    std::vector<std::uint64_t> found;  // since the start, by Type
    std::vector<std::uint64_t> open;   // now, by Type
    std::uint64_t abstaining = 0, charts = 0, findings_dropped = 0;
    Alerts::Counts alerts;
  };
  Figures figures();

 private:
  struct Named {
    std::string agent, task_type;
  };
  void run(const std::stop_token& stopping);
  void take(const detect::Finding& finding);
  std::optional<Named> name(const detect::Finding& finding);
  void raise(const detect::Finding& finding, const Named& who);
  void end(detect::Type type, const Named& who, std::int64_t now_ns, std::int64_t recorded_ns, std::string_view resolution);
  void find_causes(const detect::Finding& finding, detect::Anomaly& anomaly);
  void let_go_of_unknown();
  void complain(const Result<void>& written);

  Engine& engine_;
  aggregate::Follower& follower_;
  detect::Detector detector_;
  Alerts alerts_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<detect::Finding> found_;
  std::uint64_t dropped_ = 0;
  bool enabled_ = true, looked_ = false, unwritable_ = false;
  std::mutex book_mutex_;
  AnomalyBook book_;
  std::jthread thread_;
};

}  // namespace arbiter::service
