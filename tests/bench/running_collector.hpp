// A real collector on private directories, and what it uses.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "shm/result.hpp"
#include "tests/bench/modes.hpp"
#include "tools/arbiterctl/client.hpp"

namespace arbiter::bench {

class RunningCollector {
 public:
  // `config`: JSON, without the directories. `processor`: where all its threads run; -1: anywhere. Ready when this returns.
  static Result<RunningCollector> start(const Setting& setting, const std::string& config, int processor = -1);
  ~RunningCollector();  // SIGTERM, and waits
  RunningCollector(RunningCollector&& other) noexcept;
  RunningCollector& operator=(RunningCollector&&) = delete;

  const std::string& lanes() const { return lanes_; }
  client::Client& ask() { return client_; }
  Result<std::uint64_t> delivered();  // events in the journal, as the statistics say

  // Of all its threads, and of each by its name, since it was started. Seconds, in steps of the kernel's clock tick.
  double cpu_s() const;
  std::map<std::string, double> cpu_s_by_thread() const;
  std::uint64_t anonymous_bytes() const;  // RssAnon
  pid_t pid() const { return pid_; }
  std::uint64_t ready_after_ns() const { return ready_after_ns_; }
  void stop();

 private:
  RunningCollector(pid_t pid, std::string lanes, const std::string& socket) : pid_(pid), lanes_(std::move(lanes)), client_(socket) {}
  pid_t pid_;
  std::string lanes_;
  client::Client client_;
  std::uint64_t ready_after_ns_ = 0;
};

}  // namespace arbiter::bench
