// Tells the outside of anomalies: a program of the user's, an Alertmanager. On a thread of its own, which nobody waits for.
//
// Bounded: kWaitingMax anomalies wait; what comes beyond is counted, logged, and in the book all the same. A program runs for at most
// `hook_limit`, one at a time. An Alertmanager hears of a change at once, and of all that is open once a minute, as it forgets what it does
// not hear of; so one that was away, or a collector that was killed, is made up for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collector/detect/anomaly.hpp"

namespace arbiter::service {

class Alerts {
 public:
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr std::chrono::seconds kPostLimit{5}, kPostEvery{60};

  struct Options {
    std::string hook, alertmanager;  // empty: none
    std::chrono::nanoseconds hook_limit = std::chrono::seconds(10);
    bool operator==(const Options&) const = default;
  };
  // `open`: what is open now; asked from the thread of this.
  explicit Alerts(std::function<std::vector<detect::Anomaly>()> open) : open_(std::move(open)) {}
  ~Alerts() { stop(); }

  void start();
  void stop();  // ends a program that runs; twice is once
  void configure(const Options& options);
  void tell(const detect::Anomaly& anomaly);  // found, or over

  struct Counts {
    std::uint64_t told = 0, failed = 0, dropped = 0;
  };
  Counts counts() const;

 private:
  void run(const std::stop_token& stopping);
  void tell_hook(const Options& options, const detect::Anomaly& anomaly, const std::stop_token& stopping);
  void post(const Options& options, const std::vector<detect::Anomaly>& anomalies);
  void note(bool told);

  std::function<std::vector<detect::Anomaly>()> open_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<detect::Anomaly> waiting_;
  Options options_;
  Counts counts_;
  std::jthread thread_;
};

}  // namespace arbiter::service
