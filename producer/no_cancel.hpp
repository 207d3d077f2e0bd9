// Puts off pthread_cancel while the library makes system calls: cancelling unwinds the stack, and nothing here may throw or hold a lock for
// ever.
#pragma once

#include <pthread.h>

namespace arbiter::producer {

class NoCancel {
 public:
  NoCancel() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancel() { pthread_setcancelstate(before_, nullptr); }
  NoCancel(const NoCancel&) = delete;
  NoCancel& operator=(const NoCancel&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

}  // namespace arbiter::producer
