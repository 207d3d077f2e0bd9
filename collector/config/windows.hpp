// The windows of the agents' figures: "24h/4h" is one of 24 hours that slides by 4.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::config {

inline constexpr std::size_t kWindowsMax = 8, kPanesMax = 100;  // of one window: its length by its slide

struct Window {
  std::string name;  // its length, as it is asked for
  std::chrono::nanoseconds length, slide;
};

inline constexpr std::string_view kRetained = "retained";  // asked for instead of a window: exactly what retention has left

// What may be asked for under the default configuration: "5m 1h 24h 7d retained".
std::string window_words(std::string_view between);

// By length; none of none. The error says what is wrong with which of them.
Result<std::vector<Window>> parse_windows(std::span<const std::string> list);

}  // namespace arbiter::config
