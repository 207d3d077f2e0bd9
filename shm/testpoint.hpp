// Named places at which a crash test kills the process.
//
//   ARBITER_TESTPOINT("lane.published");
//
// compiles to nothing, unless the build says ARBITER_TESTPOINTS (the preset `testpoints`). Then, from the environment, which is read once:
//   ARBITER_TESTPOINT=lane.published:3    SIGKILL at the third passing of that label
//   ARBITER_TESTPOINT_LOG=FILE            appends each label, a line, when it is passed for the first time
// One label, one place: passings are counted by place.
#pragma once

#if defined(ARBITER_TESTPOINTS)

#include <atomic>
#include <cstdint>

namespace arbiter::testpoint {

class Place {
 public:
  constexpr explicit Place(const char* label) : label_(label) {}
  void pass() noexcept;

 private:
  const char* label_;
  std::atomic<std::uint64_t> passed_{0};  // relaxed: counts, and orders nothing
};

}  // namespace arbiter::testpoint

#define ARBITER_TESTPOINT(label)                                    \
  do {                                                              \
    static constinit ::arbiter::testpoint::Place place_here(label); \
    place_here.pass();                                              \
  } while (false)

#else
#define ARBITER_TESTPOINT(label) static_cast<void>(0)
#endif
