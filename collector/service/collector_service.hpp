// The service the control plane sees: asks the drain's thread for what belongs to it, and does what takes long on the caller's thread, on a
// view of the journal. Also the exports that nobody asks for one by one: every interval, after so many completions, on SIGUSR1.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "collector/aggregate/follower.hpp"
#include "collector/config/load.hpp"
#include "collector/service/anomalies.hpp"
#include "collector/service/audit.hpp"
#include "collector/service/engine.hpp"
#include "collector/service/metrics.hpp"
#include "collector/service/service.hpp"
#include "collector/service/windows.hpp"
#include "collector/snapshot/progress.hpp"
#include "collector/snapshot/publish.hpp"

namespace arbiter::service {

class CollectorService final : public Service {
 public:
  // `options`: the command line, read again with the configuration file at reload().
  CollectorService(Engine& engine, config::Options options);
  ~CollectorService() override;

  void start();        // the threads that follow the journal and export
  void stop();         // waits for an export under way, begins no other; twice is once
  void finish();       // once the drain's thread has ended: what it took last is in the figures and their checkpoint
  void reload();       // SIGHUP
  void export_soon();  // SIGUSR1

  Result<boost::json::object> status() override;
  Result<boost::json::object> stats(bool fresh) override;
  Result<void> events(const EventsQuery& query, const std::function<bool(std::string_view)>& line) override;
  Result<boost::json::object> window_stats(const ProfilesQuery& query) override;
  Result<boost::json::object> agents(const ProfilesQuery& query) override;
  Result<boost::json::object> anomalies(const AnomaliesQuery& query) override;
  Result<boost::json::object> task(std::string_view task_id) override;
  Result<boost::json::object> export_snapshot(const ExportRequest& request) override;
  Result<void> flush() override;
  Result<void> set_enabled(bool enabled, const By& by) override;
  Result<void> clear(const By& by) override;
  Result<boost::json::object> config(ConfigShown which) override;
  Result<boost::json::object> set_config(const boost::json::object& changes, const By& by) override;
  std::string metrics() override;

 private:
  // What an export or a query works on: one moment of the journal, everything recorded before in it.
  struct Picture {
    std::shared_ptr<const journal::View> view;
    boost::json::object stats;
    config::Config config;
    std::uint64_t completions;  // since the collector started
    std::int64_t taken_ns;      // when
  };
  Result<Picture> picture();
  // What differs is taken over where that goes while running; of what is wrong nothing is.
  Result<boost::json::object> take_over(const std::function<Result<config::Config>(const config::Config& running)>& wanted,
                                        std::string_view action, const By& by);
  void note(boost::json::object line);                                                // in the audit
  void note_change(std::string_view action, const By& by, const Result<void>& made);  // one that has no more to say
  void note_export(const Result<snapshot::Published>& made, std::int64_t began_ns);
  void look_again();
  void export_loop(const std::stop_token& stopping);

  aggregate::Follower::Source source();
  static std::int64_t unix_now_ns();

  Engine& engine_;
  config::Options options_;
  Audit audit_;
  aggregate::Follower follower_;
  Windows windows_;
  Anomalies anomalies_;
  std::mutex exporting_;  // one export at a time
  snapshot::Progress progress_;
  std::atomic<std::int64_t> export_began_ns_{0};  // steady clock; for status alone (relaxed, as progress_)
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool soon_ = false;                                   // under mutex_: somebody asked for an export
  bool look_again_ = false;                             // under mutex_: the interval may be another
  std::string not_exported_;                            // under mutex_: why the last export failed; empty: it did not
  ExportFigures exports_;                               // under mutex_
  ConfigurationFigures configuration_;                  // under mutex_
  std::atomic<std::uint64_t> exported_completions_{0};  // those before the newest whole export
  std::atomic<bool> stopping_{false};
  std::jthread exporter_;
};

}  // namespace arbiter::service
