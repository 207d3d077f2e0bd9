// Named places at which a crash test kills the process, and wrong orders that it must catch.
//
//   ARBITER_TESTPOINT("lane.published");
//   if (ARBITER_WRONG("acknowledge_before_journal")) ...
//
// The first compiles to nothing and the second to `false`, unless the build says ARBITER_TESTPOINTS (the preset `testpoints`). Then, from
// the environment, which is read once:
//   ARBITER_TESTPOINT=lane.published:3     SIGKILL at the third passing of that label
//   ARBITER_TESTPOINT_LOG=FILE             appends each label, a line, when it is passed for the first time
//   ARBITER_TESTPOINT_COUNTS=FILE          appends, when the process exits, a line "label passings" for each that was passed
//   ARBITER_WRONG=acknowledge_before_journal   does that wrong
// One label, one place: passings are counted by place.
#pragma once

#if defined(ARBITER_TESTPOINTS)

#include <atomic>
#include <cstdint>

namespace arbiter::testpoint {

inline constexpr bool kCompiledIn = true;

class Place {
 public:
  constexpr explicit Place(const char* label) : label_(label) {}
  void pass() noexcept;

 private:
  friend struct Orders;
  const char* label_;
  std::atomic<std::uint64_t> passed_{0};  // relaxed: counts, and orders nothing
  Place* next_ = nullptr;                 // of those that have been passed; written once, by the first to pass
};

bool wrong(const char* what) noexcept;

}  // namespace arbiter::testpoint

#define ARBITER_TESTPOINT(label)                                    \
  do {                                                              \
    static constinit ::arbiter::testpoint::Place place_here(label); \
    place_here.pass();                                              \
  } while (false)
#define ARBITER_WRONG(what) ::arbiter::testpoint::wrong(what)

#else
namespace arbiter::testpoint {
inline constexpr bool kCompiledIn = false;
}
#define ARBITER_TESTPOINT(label) static_cast<void>(0)
#define ARBITER_WRONG(what) false
#endif
