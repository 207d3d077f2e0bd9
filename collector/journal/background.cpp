#include "collector/journal/background.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "collector/crypt/stream.hpp"
#include "collector/thread.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

Result<void> write_checkpoint(const std::string& directory, const std::string& content, std::uint64_t last_frame, Syncer& syncer) {
  const std::string path = checkpoint_path(directory), temporary = path + ".tmp";
  const auto written = [&]() -> Result<void> {
    const auto file = File::open(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return file.error();
    if (auto all = (*file)->write(bytes_of(content), 0); !all) return all;
    ARBITER_TESTPOINT("checkpoint.written");
    if (auto synced = (*file)->sync(); !synced) return synced;
    if (!syncer.reach(last_frame)) return Error{"frames before it could not be synced: it waits for their segment to be sealed", EIO};
    ARBITER_TESTPOINT("checkpoint.synced");
    if (auto named = rename_file(temporary, path); !named) return named;
    ARBITER_TESTPOINT("checkpoint.renamed");
    return sync_directory(directory);
  }();
  if (!written) {
    remove_file(temporary);
    return written.error().while_("writing " + path);
  }
  return {};
}

}  // namespace

std::string checkpoint_path(const std::string& directory) { return directory + "/checkpoint"; }

Background::Background(std::string directory, const LinkKey& key, std::shared_ptr<const crypt::Cipher> cipher, Syncer& syncer)
    : directory_(std::move(directory)), key_(key), cipher_(std::move(cipher)), syncer_(syncer), thread_([this] { run(); }) {}

Background::~Background() {
  abort_.store(true, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Background::follow(const Anchor& newest) {
  const std::lock_guard lock(mutex_);
  newest_ = newest;
}

void Background::seal(SealJob job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_all();
}

void Background::checkpoint(std::string content, std::uint64_t last_frame) {
  {
    const std::lock_guard lock(mutex_);
    checkpoint_ = {std::move(content), last_frame};
  }
  wake_.notify_all();
}

void Background::finish() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return !busy_; });  // what is under way may fail for a reason that is gone by now
  failing_ = in_episode_ = false;            // once more, now
  wake_.notify_all();
  idle_.wait(lock, [&] { return !busy_ && ((jobs_.empty() && !checkpoint_) || failing_); });
}

bool Background::cancel(std::uint64_t index) {
  const std::lock_guard lock(mutex_);
  if (sealing_ == index) {
    abort_.store(true, std::memory_order_relaxed);
    return false;
  }
  return std::erase_if(jobs_, [&](const SealJob& job) { return job.raw.header.index == index; }) != 0;
}

void Background::abandon() {
  std::unique_lock lock(mutex_);
  jobs_.clear();
  checkpoint_.reset();
  if (sealing_ != 0) abort_.store(true, std::memory_order_relaxed);
  idle_.wait(lock, [&] { return !busy_; });
}

void Background::close(std::shared_ptr<const SegmentFile> file) {
  const std::lock_guard lock(mutex_);
  closing_.push_back(std::move(file));
  wake_.notify_one();
}

std::vector<Background::Done> Background::take_done() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

Background::Trouble Background::take_trouble() {
  const std::lock_guard lock(mutex_);
  return std::exchange(trouble_, {});
}

void Background::run() {
  begin_thread("seal", Urgency::whenever);
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (!closing_.empty()) {
      auto files = std::exchange(closing_, {});
      lock.unlock();
      files.clear();
      lock.lock();
    } else if (jobs_.empty() && !checkpoint_) {
      idle_.notify_all();
      wake_.wait(lock);
    } else if (failing_) {
      idle_.notify_all();
      wake_.wait_for(lock, std::chrono::seconds(1));
      failing_ = false;
    } else {
      busy_ = true;
      const bool done = work(lock);
      busy_ = false;
      failing_ = !done;
    }
  }
}

bool Background::work(std::unique_lock<std::mutex>& lock) {
  Result<void> outcome;
  if (!jobs_.empty()) {
    const SealJob job = std::move(jobs_.front());
    jobs_.pop_front();
    const Anchor previous = newest_;
    const std::uint64_t index = job.raw.header.index;
    sealing_ = index;
    lock.unlock();
    auto sealed = seal_segment(job, previous, key_, abort_);
    lock.lock();
    sealing_ = 0;
    if (abort_.exchange(false, std::memory_order_relaxed)) {
      if (sealed) remove_file(sealed->path);
      done_.push_back({index, std::nullopt, {}, true});
      return true;
    }
    if (sealed) {
      newest_ = {index, sealed->link};
      done_.push_back({index, std::move(*sealed), {}, false});
    } else if (sealed.error().code == 0) {
      done_.push_back({index, std::nullopt, sealed.error().message, false});
    } else {
      outcome = sealed.error();
      jobs_.push_front(job);
    }
  } else {
    const WaitingCheckpoint checkpoint = std::move(*checkpoint_);
    checkpoint_.reset();
    lock.unlock();
    const auto content = cipher_ != nullptr ? crypt::encrypt_text(*cipher_, checkpoint.content) : std::string();
    outcome = write_checkpoint(directory_, cipher_ != nullptr ? content : checkpoint.content, checkpoint.last_frame, syncer_);
    lock.lock();
    if (!outcome && !checkpoint_) checkpoint_ = checkpoint;
  }
  if (!outcome) {
    if (!in_episode_) ++trouble_.episodes;
    trouble_.message = outcome.error().message;
  }
  in_episode_ = !outcome;
  return outcome.has_value();
}

}  // namespace arbiter::journal
