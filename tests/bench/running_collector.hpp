// A real collector on private directories, and what it uses.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/modes.hpp"
#include "tools/arbiterctl/client.hpp"

namespace arbiter::bench {

class RunningCollector {
 public:
  // `config`: JSON, without the directories. `processor`: where all its threads run; -1: anywhere. Ready when this returns.
  static Result<RunningCollector> start(const Setting& setting, const std::string& config, int processor = -1);
  ~RunningCollector();  // SIGTERM, and waits; its journal goes
  RunningCollector(RunningCollector&& other) noexcept;
  RunningCollector& operator=(RunningCollector&&) = delete;

  void stop();                                  // SIGTERM, and waits
  void kill();                                  // SIGKILL
  Result<void> restart();                       // after either, on the same directories; ready when this returns
  Result<void> wait_for(std::uint64_t events);  // until so many are in the statistics
  Result<void> wait_until_sealed();             // until all segments are but the one that is written
  Result<std::uint64_t> delivered();            // events in the journal, as the statistics say

  const std::string& lanes() const { return lanes_; }
  std::string journal() const { return state_ + "/journal"; }
  client::Client& ask() { return *client_; }
  std::uint64_t ready_after_ns() const { return ready_after_ns_; }

  // Processor time since it was started, of all its threads, those that have ended too; and of each that there is, by its name.
  double cpu_s() const;
  std::map<std::string, double> cpu_s_by_thread() const;
  std::uint64_t anonymous_bytes() const;  // RssAnon

 private:
  RunningCollector() = default;
  void reap(int signal);

  pid_t pid_ = -1;  // -1: none, or it has been reaped
  int processor_ = -1;
  std::string program_, config_, lanes_, state_, socket_, log_;
  std::unique_ptr<client::Client> client_;
  std::uint64_t ready_after_ns_ = 0;
};

}  // namespace arbiter::bench
