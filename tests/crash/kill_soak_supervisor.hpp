// The supervisor of kill_soak: runs a collector and producers, kills them, and has the account checked at the end of each epoch, when all
// producers have ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/kill_soak_processes.hpp"
#include "tests/crash/kill_soak_verify.hpp"

namespace arbiter::soak {

struct SoakOptions {
  std::uint64_t seed = 0;
  double seconds = 20;
  std::uint64_t producers = 4;
  std::uint64_t rate = 10'000;         // events a second, about, bursts not counted
  double kills = 8;                    // a second, about, while producers run
  std::uint64_t max_events = 60'000;   // retained; more than an epoch has
  std::filesystem::path root, memory;  // private directories: on a disk, on tmpfs
  std::filesystem::path programs;      // where ours are
};

struct Kills {
  std::uint64_t collector = 0, producers = 0, children = 0;
  std::uint64_t sum() const { return collector + producers + children; }
};

class Supervisor {
 public:
  explicit Supervisor(const SoakOptions& options);
  ~Supervisor();

  bool run();  // to the end, or until something is wrong
  const std::vector<std::string>& wrong() const { return verifier_.wrong(); }
  void print_account() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Snapshots;

  bool epoch(std::chrono::milliseconds length);
  void record_and_kill(Clock::time_point end);
  bool settle();
  void progress();

  void start_collector();
  void start_producer(std::size_t slot);
  void kill_one();
  void kill_bursting();
  void kill_collector();
  void look_after();  // what has ended by itself
  bool fine() const { return verifier_.wrong().empty(); }
  std::uint64_t random(std::uint64_t below) { return random_() % below; }

  std::vector<std::string> command(const char* program, std::vector<std::string> arguments) const;
  Processes::Ran ctl(std::vector<std::string> arguments);

  const SoakOptions options_;
  Ledger ledger_;
  Verifier verifier_;
  Processes processes_;
  std::mt19937_64 random_;
  std::unique_ptr<Snapshots> snapshots_;

  pid_t collector_ = 0, exporter_ = 0;  // 0: none runs
  Clock::time_point collector_due_{};   // when it is to be started again
  std::vector<pid_t> producers_;
  Kills kills_;
  std::uint64_t epochs_ = 0, collectors_ = 0, producers_started_ = 0, children_seen_ = 0, exports_asked_ = 0;
  std::uint64_t last_frame_ = 0, raw_ = 0, sealed_ = 0, frames_events_ = 0;
  Clock::duration recording_{}, settling_{}, exporting_{}, checking_{};
  Clock::time_point began_ = Clock::now(), said_ = began_;
};

}  // namespace arbiter::soak
