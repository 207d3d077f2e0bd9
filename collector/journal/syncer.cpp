#include "collector/journal/syncer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "collector/thread.hpp"
#include "shm/clock.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {

Syncer::Syncer(std::string directory, SyncPolicy policy, std::chrono::milliseconds interval)
    : directory_(std::move(directory)), policy_(policy), interval_(interval), thread_([this] { run(); }) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<void> Syncer::open_directory() {
  directory_fd_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ < 0) return system_error("opening " + directory_);
  return {};
}

Result<void> Syncer::sync_directory() const {
  if (::fsync(directory_fd_) != 0) return system_error("syncing " + directory_);
  return {};
}

void Syncer::written(const std::shared_ptr<File>& file, const SegmentKey& key, std::uint64_t segment, std::uint64_t frame, bool created) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    wake = written_.empty() || policy_ == SyncPolicy::every_frame;
    if (!written_.empty() && written_.back().segment == segment)
      written_.back().frame = frame;
    else
      written_.push_back({file, key, segment, frame, created});
  }
  if (wake) wake_.notify_all();
}

void Syncer::settled(std::uint64_t segment, std::uint64_t last_frame) {
  const std::lock_guard lock(mutex_);
  failed_.erase(segment);
  if (syncing_ == segment) syncing_ = 0;
  for (Item& item : written_)
    if (item.segment == segment) item.file.reset();
  if (policy_ == SyncPolicy::never && !busy_) {  // nobody syncs: durable is what is sealed
    if (written_.empty()) synced_frame_ = std::max(synced_frame_, last_frame);
    for (; !written_.empty() && written_.front().file == nullptr; written_.pop_front())
      synced_frame_ = std::max(synced_frame_, written_.front().frame);
  }
  publish();
}

void Syncer::set(SyncPolicy policy, std::chrono::milliseconds interval) {
  {
    const std::lock_guard lock(mutex_);
    policy_ = policy;
    interval_ = interval;
  }
  wake_.notify_all();
}

bool Syncer::syncs() const {
  const std::lock_guard lock(mutex_);
  return policy_ != SyncPolicy::never;
}

void Syncer::flush() {
  std::unique_lock lock(mutex_);
  flushing_ = true;
  wake_.notify_all();
  idle_.wait(lock, [&] { return written_.empty() && !busy_; });
  flushing_ = false;
}

bool Syncer::reach(std::uint64_t frame) {
  std::unique_lock lock(mutex_);
  wanted_frame_ = std::max(wanted_frame_, frame);
  wake_.notify_all();
  idle_.wait(lock, [&] { return synced_frame_ >= frame || (written_.empty() && !busy_); });
  return failed_.empty();
}

Meter Syncer::durations() const {
  const std::lock_guard lock(mutex_);
  return durations_;
}

std::vector<Syncer::Failure> Syncer::take_failures() {
  const std::lock_guard lock(mutex_);
  return std::exchange(failures_, {});
}

void Syncer::publish() {
  if (failed_.empty()) durable_.store(synced_frame_, std::memory_order_release);  // [S1]
}

void Syncer::run() {
  begin_thread("sync", Urgency::now);
  using Clock = std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  Clock::time_point next = Clock::now();
  while (!stop_) {
    if (written_.empty()) {
      idle_.notify_all();
      wake_.wait(lock);
    } else if (flushing_ || synced_frame_ < wanted_frame_ || policy_ == SyncPolicy::every_frame ||
               (policy_ == SyncPolicy::interval && Clock::now() >= next)) {
      next = Clock::now() + interval_;
      sync(std::exchange(written_, {}), lock);
    } else if (policy_ == SyncPolicy::interval) {
      wake_.wait_until(lock, next);
    } else {
      wake_.wait(lock);
    }
  }
}

Result<void> Syncer::sync_file(const Item& item, bool all_before) const {
  if (item.created && all_before) {
    const std::uint64_t word = settled_word(item.key);
    if (auto written = item.file->write(object_bytes(word), offsetof(RawHeader, settled)); !written) return written;
  }
  if (auto synced = item.file->sync(); !synced) return synced;
  return item.created ? sync_directory() : Result<void>();
}

void Syncer::sync(std::deque<Item> items, std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  for (Item& item : items) {
    if (item.file != nullptr && !failed_.contains(item.segment)) {
      syncing_ = item.segment;
      const bool all_before = failed_.empty();
      lock.unlock();
      ARBITER_TESTPOINT("journal.sync");
      const std::uint64_t began_ns = monotonic_ns();
      const auto synced = sync_file(item, all_before);
      const std::uint64_t ended_ns = monotonic_ns();
      ARBITER_TESTPOINT("journal.synced");
      lock.lock();
      durations_.add(ended_ns - began_ns);
      if (!synced) {
        failures_.push_back({item.segment, synced.error().message});
        if (syncing_ == item.segment) failed_.insert(item.segment);  // else it was settled meanwhile
      }
      syncing_ = 0;
    }
    synced_frame_ = std::max(synced_frame_, item.frame);
    publish();
  }
  busy_ = false;
  idle_.notify_all();
}

}  // namespace arbiter::journal
