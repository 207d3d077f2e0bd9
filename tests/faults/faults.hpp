// The means by which a test makes the machine fail, and undoes it.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/faults/fault_calls.hpp"
#include "tests/process/harness.hpp"

namespace arbiter::test {

// From here on this process and its children mount what they please, seen by nobody else: as root in a mount namespace, as an ordinary user
// in a user namespace too. False, and said: the system does not let us. To be called before the first thread.
bool private_mounts(std::string_view test);

// A tmpfs of that size, unmounted at the end. Needs private_mounts().
class SmallDisk {
 public:
  SmallDisk(fs::path at, std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  void resize(std::uint64_t bytes);

 private:
  fs::path at_;
};

// The directory as it is, but no file in it can be made, renamed or removed, and none opened for writing, while this lives. Files that are
// open are written on.
class ReadOnly {
 public:
  explicit ReadOnly(fs::path at);
  ~ReadOnly();
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  fs::path at_;
};

// A limit of a running process's, put back at the end.
class Limit {
 public:
  Limit(pid_t pid, __rlimit_resource resource, rlim_t soft);
  ~Limit();
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  void lift();

 private:
  pid_t pid_;
  __rlimit_resource resource_;
  rlimit before_{};
  bool lifted_ = false;
};

// Decides what calls of the collector answer that is started with limits().
class FaultCalls {
 public:
  explicit FaultCalls(const Place& place);
  ~FaultCalls();
  FaultCalls(const FaultCalls&) = delete;
  FaultCalls& operator=(const FaultCalls&) = delete;

  std::string limits() const;  // for Collector's constructor
  void step_clock(std::chrono::nanoseconds by) { __atomic_fetch_add(&calls_->realtime_offset_ns, by.count(), __ATOMIC_RELAXED); }
  std::int64_t now_ns() const { return test::now_ns() + read(calls_->realtime_offset_ns); }
  void fail_syncs(std::int64_t n, bool of_every_file = false) {
    __atomic_store_n(&calls_->fail_every_file, of_every_file ? 1 : 0, __ATOMIC_RELAXED);
    __atomic_store_n(&calls_->syncs_to_fail, n, __ATOMIC_RELAXED);
  }
  std::int64_t syncs() const { return read(calls_->syncs); }
  std::int64_t syncs_failed() const { return read(calls_->syncs_failed); }
  std::int64_t syncs_of_failed() const { return read(calls_->syncs_of_failed); }
  std::int64_t clock_reads() const { return read(calls_->clock_reads); }

 private:
  static std::int64_t read(const std::int64_t& word) { return __atomic_load_n(&word, __ATOMIC_RELAXED); }
  fs::path file_;
  FaultWords* calls_;
};

// A number in the collector's status: {"drain", "events"} is status.drain.events.
std::uint64_t in_status(Collector& collector, std::initializer_list<std::string_view> path);
std::string health(Collector& collector);       // "ok", "blocked", ...
std::string explanation(Collector& collector);  // what status says to a human

std::size_t lines_with(const Collector& collector, std::string_view text);  // of its log

}  // namespace arbiter::test
