// What the C interface answers, and what it keeps of an answer for arbiter_last_error: a few words, which are put together when somebody
// asks. A drop must stay cheap.
#pragma once

#include "arbiter/producer.h"
#include "arbiter/producer.hpp"

namespace arbiter::c {

// A call that is wrong in itself: what of it, and why. Both as literals.
struct Misuse {
  const char* what;
  const char* why;
};
inline constexpr Misuse kNullProducer{"producer", "is null"};
inline constexpr Misuse kNull{"event", "is null"};
inline constexpr Misuse kBadSize{"struct_size", "is not the size of the struct: set it to its sizeof"};
inline constexpr Misuse kUnknownFields{"struct_size", "covers fields that this version of the library does not know"};
inline constexpr Misuse kBadList{"item_size",
                                 "is not the size of the list's items, or covers fields that this version of the library does not know"};
inline constexpr Misuse kUnknownKind{"kind", "is none that this version of the library knows"};
inline constexpr Misuse kNoRun{"run", "is null, or was not started"};
inline constexpr Misuse kCompleted{"run", "was completed before"};
inline constexpr Misuse kNoMemory{"memory", "is not to be had"};

struct LastError {
  RecordResult result;   // of a record call, unless
  const Misuse* misuse;  // the call was wrong
};

// Initial-exec, as this_thread is: a drop stores two words.
extern constinit thread_local LastError last_error __attribute__((tls_model("initial-exec")));

[[gnu::always_inline]] inline arbiter_status answer(RecordResult result) noexcept {
  if (!result.recorded()) [[unlikely]] {
    last_error.result = result;
    last_error.misuse = nullptr;
  }
  return static_cast<arbiter_status>(result.status());
}

[[gnu::cold]] arbiter_status wrong(const Misuse& misuse) noexcept;

}  // namespace arbiter::c
