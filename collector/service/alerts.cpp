#include "collector/service/alerts.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "collector/log/log.hpp"
#include "collector/service/alertmanager.hpp"
#include "collector/service/hook.hpp"
#include "collector/thread.hpp"

namespace arbiter::service {

using detect::Anomaly;

void Alerts::start() {
  thread_ = std::jthread([this](const std::stop_token& stopping) {
    begin_thread("alerts", Urgency::whenever);
    run(stopping);
  });
}

void Alerts::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Alerts::configure(const Options& options) {
  {
    const std::lock_guard lock(mutex_);
    options_ = options;
  }
  wake_.notify_all();
}

void Alerts::tell(const Anomaly& anomaly) {
  {
    const std::lock_guard lock(mutex_);
    if (options_.hook.empty() && options_.alertmanager.empty()) return;
    if (waiting_.size() >= kWaitingMax) {
      ++counts_.dropped;
      log::error("alerts", "{} anomalies wait to be told of: {} {} is not", waiting_.size(), name_of(anomaly.type), anomaly.id);
      return;
    }
    waiting_.push_back(anomaly);
  }
  wake_.notify_all();
}

Alerts::Counts Alerts::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Alerts::note(bool told) {
  const std::lock_guard lock(mutex_);
  ++(told ? counts_.told : counts_.failed);
}

void Alerts::tell_hook(const Options& options, const Anomaly& anomaly, const std::stop_token& stopping) {
  const auto ran = run_hook(options.hook, boost::json::serialize(json_of(anomaly)) + "\n", options.hook_limit, stopping);
  if (!ran) log::error("alerts", "{}: of {} {} ({})", ran.error().message, name_of(anomaly.type), anomaly.id, anomaly.summary);
  note(ran.has_value());
}

void Alerts::post(const Options& options, const std::vector<Anomaly>& anomalies) {
  const auto place = config::parse_alertmanager(options.alertmanager);
  if (!place || anomalies.empty()) return;
  boost::json::array alerts;
  for (const Anomaly& anomaly : anomalies) alerts.push_back(alert_of(anomaly));
  const auto posted = post_alerts(*place, alerts, kPostLimit);
  if (!posted) log::error("alerts", "{}: it is told again in a minute, at {}", posted.error().message, options.alertmanager);
  note(posted.has_value());
}

void Alerts::run(const std::stop_token& stopping) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point post_due = Clock::now();
  std::deque<Anomaly> for_hook;
  while (!stopping.stop_requested()) {
    Options options;
    std::deque<Anomaly> news;
    {
      std::unique_lock lock(mutex_);
      if (for_hook.empty()) wake_.wait_until(lock, stopping, post_due, [this] { return !waiting_.empty(); });
      if (stopping.stop_requested()) return;
      options = options_;
      const std::size_t room = kWaitingMax - for_hook.size();
      const auto taken = static_cast<std::ptrdiff_t>(std::min(room, waiting_.size()));
      news.assign(waiting_.begin(), waiting_.begin() + taken);
      waiting_.erase(waiting_.begin(), waiting_.begin() + taken);
    }
    if (!options.alertmanager.empty()) post(options, {news.begin(), news.end()});
    if (Clock::now() >= post_due) {
      post_due = Clock::now() + kPostEvery;
      if (!options.alertmanager.empty()) post(options, open_());
    }
    for_hook.insert(for_hook.end(), news.begin(), news.end());
    if (options.hook.empty()) for_hook.clear();
    if (for_hook.empty()) continue;
    tell_hook(options, for_hook.front(), stopping);
    for_hook.pop_front();
  }
}

}  // namespace arbiter::service
