// How a forked child of a test goes.
#pragma once

#include <unistd.h>

#if defined(ARBITER_COVERAGE)
extern "C" void __gcov_dump();
#endif

namespace arbiter::test {

// exit() without destructors and at-exit functions: what the child holds is the parent's. What it has passed through is counted.
[[noreturn]] inline void leave(int status) {
#if defined(ARBITER_COVERAGE)
  __gcov_dump();
#endif
  _exit(status);
}

}  // namespace arbiter::test
