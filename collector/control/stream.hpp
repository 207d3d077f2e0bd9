// Between a worker that makes lines and the control thread that sends them as fast as the caller reads.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::control {

class Stream {
 public:
  static constexpr std::size_t kChunkBytes = 64 << 10;  // worth a write
  static constexpr std::size_t kUnsentMax = 1 << 20;    // more makes the worker wait

  // `ready` is called on the worker's thread when there is something to take. Once, until it is taken.
  explicit Stream(std::function<void()> ready) : ready_(std::move(ready)) {}

  // --- the worker
  bool push(std::string_view line);  // waits while too much is unsent; false: the caller is gone
  void finish(const Result<void>& result);

  // --- the control thread
  enum class Next { wait, chunk, end, failed };
  Next take(std::string& chunk);                  // failed: see error(); what was not taken before is dropped
  const Error& error() const { return *error_; }  // after take() has said failed
  void abort();

 private:
  void tell(std::unique_lock<std::mutex>& lock);

  std::function<void()> ready_;
  std::mutex mutex_;
  std::condition_variable taken_;
  std::string unsent_;
  bool told_ = false, finished_ = false, aborted_ = false;
  std::optional<Error> error_;
};

}  // namespace arbiter::control
