// Brings frames to stable storage, on a thread of its own: the writer never waits for the disk.
//
// A file whose fdatasync has failed is not synced again: the kernel may have dropped what it could not write, and would say yes the next
// time. The writer is told and starts another segment; what lies in the failed one is durable again when its sealed form is.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collector/journal/file.hpp"
#include "collector/journal/format.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::journal {

class Syncer {
 public:
  Syncer(std::string directory, SyncPolicy policy, std::chrono::milliseconds interval);
  ~Syncer();  // without a last sync
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  // Opens the directory, for good: there may be no descriptor left when a file in it is new. Before the first written().
  Result<void> open_directory();

  // Writer: this file now holds frames up to this one. `created`: its name is new in the directory.
  void written(const std::shared_ptr<File>& file, const SegmentKey& key, std::uint64_t segment, std::uint64_t frame, bool created);
  // Writer: the segment, up to this frame, is sealed and on stable storage in that form, or is not wanted any more.
  void settled(std::uint64_t segment, std::uint64_t last_frame);
  void set(SyncPolicy policy, std::chrono::milliseconds interval);
  bool syncs() const;  // by itself: the policy is not never
  void flush();        // waits until what is written is synced, or has failed
  // From any thread: syncs without regard to the policy, and waits, until the frames up to this one are on stable storage. False: that
  // failed.
  bool reach(std::uint64_t frame);

  std::uint64_t durable_frame() const { return durable_.load(std::memory_order_acquire); }  // pairs with the release store in publish()
  Meter durations() const;                                                                  // of fdatasync, in nanoseconds
  struct Failure {
    std::uint64_t segment;
    std::string message;
  };
  std::vector<Failure> take_failures();

 private:
  struct Item {
    std::shared_ptr<File> file;
    SegmentKey key;
    std::uint64_t segment, frame;
    bool created;
  };
  void run();
  Result<void> sync_file(const Item& item, bool all_before) const;
  void sync(std::deque<Item> items, std::unique_lock<std::mutex>& lock);
  Result<void> sync_directory() const;
  void publish();  // under the lock

  const std::string directory_;
  int directory_fd_ = -1;  // set before the thread is given anything
  mutable std::mutex mutex_;
  std::condition_variable wake_, idle_;
  SyncPolicy policy_;  // under mutex_, as all that follows
  std::chrono::milliseconds interval_;
  std::deque<Item> written_;
  std::set<std::uint64_t> failed_;  // segments, until they are sealed
  std::vector<Failure> failures_;
  Meter durations_{kShortTimes};
  std::uint64_t syncing_ = 0;  // the segment whose file is being synced; 0: none, or settled meanwhile
  std::uint64_t synced_frame_ = 0, wanted_frame_ = 0;
  bool flushing_ = false, busy_ = false, stop_ = false;
  std::atomic<std::uint64_t> durable_{
      0};  // release in publish() [S1], acquire in durable_frame(): who sees a frame durable sees its sync done
  std::thread thread_;
};

}  // namespace arbiter::journal
