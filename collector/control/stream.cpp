#include "collector/control/stream.hpp"

namespace arbiter::control {

void Stream::tell(std::unique_lock<std::mutex>& lock) {
  if (told_) return;
  told_ = true;
  lock.unlock();
  ready_();
  lock.lock();
}

bool Stream::push(std::string_view line) {
  std::unique_lock lock(mutex_);
  if (aborted_) return false;
  unsent_.append(line);
  if (line.empty() || line.back() != '\n') unsent_ += '\n';
  if (unsent_.size() >= kChunkBytes) tell(lock);
  taken_.wait(lock, [this] { return aborted_ || unsent_.size() < kUnsentMax; });
  return !aborted_;
}

void Stream::finish(const Result<void>& result) {
  std::unique_lock lock(mutex_);
  finished_ = true;
  if (!result)
    error_ = result.error();
  else if (aborted_)
    error_ = Error{"cut off", 503};  // half an answer is not to look like a whole one
  tell(lock);
}

Stream::Next Stream::take(std::string& chunk) {
  const std::lock_guard lock(mutex_);
  told_ = false;
  if (error_) return Next::failed;
  if (unsent_.empty()) return finished_ ? Next::end : Next::wait;
  chunk.clear();
  chunk.swap(unsent_);
  taken_.notify_one();
  return Next::chunk;
}

void Stream::abort() {
  const std::lock_guard lock(mutex_);
  aborted_ = true;
  taken_.notify_one();
}

}  // namespace arbiter::control
