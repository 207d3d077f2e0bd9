// The spans of time that are asked about: by the events' own time, and never beyond the time at which they were recorded.
//
// A window slides by whole steps: it ends now, and begins a window's length before the end of the step that now lies in. So everybody who
// asks within one step is told about the same span, but for what has come since.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace arbiter::aggregate {

struct Window {
  std::string name;
  std::chrono::nanoseconds length, slide;
  // Its first moment, at this time.
  std::int64_t begin_ns(std::int64_t now_ns) const {
    const std::int64_t step = slide.count();
    return now_ns - now_ns % step + step - length.count();
  }
  bool operator==(const Window&) const = default;
};

}  // namespace arbiter::aggregate
