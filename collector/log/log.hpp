// The collector's one logger: lines on stderr, for people, for machines or for journald.
//
//   log::info("journal", "sealed segment {}: {} events", number, events);
//
// The first word is the room that speaks. Any thread may call, at any time; before `start` the defaults hold. One call writes one line with
// one write(2); where stderr is the journal, one entry with fields: PRIORITY, MESSAGE, ARBITER_ROOM, CODE_FILE, CODE_LINE. A place in the
// code that repeats itself is cut off: kBurst lines in kBurstWindow, then one line that says how many were left out.
#pragma once

#include <fmt/core.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "collector/config/config.hpp"

namespace arbiter::log {

using Level = config::LogLevel;
using Format = config::LogFormat;

inline constexpr unsigned kBurst = 10;
inline constexpr std::chrono::seconds kBurstWindow{10};

void start(Level least, Format format);  // again whenever the configuration changes
// Where stderr goes to the journal, as systemd says it: $JOURNAL_STREAM names the device and inode of stderr.
bool stderr_is_journal();
bool enabled(Level level) noexcept;

// Where a message comes from: what the rate limit tells apart.
struct Site {
  const char* file;
  int line;
  bool operator==(const Site&) const = default;
};

// A format string that remembers where it stands. (std::source_location would be the way, but clang 14 has none with libstdc++.)
template <class... Args>
struct Text {
  template <class S>
  consteval Text(const S& s, const char* file = __builtin_FILE(), int line = __builtin_LINE()) : format(s), site{file, line} {}
  fmt::format_string<Args...> format;
  Site site;
};

void write(Level level, Site site, std::string_view room, std::string_view message) noexcept;

template <class... Args>
void message(Level level, std::string_view room, const Text<std::type_identity_t<Args>...>& text, Args&&... args) noexcept {
  if (!enabled(level)) return;
  try {
    write(level, text.site, room, fmt::format(text.format, std::forward<Args>(args)...));
  } catch (...) {  // no memory for a log line: the work goes on without it
  }
}

template <class... Args>
void debug(std::string_view room, const Text<std::type_identity_t<Args>...>& text, Args&&... args) noexcept {
  message<Args...>(Level::debug, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void info(std::string_view room, const Text<std::type_identity_t<Args>...>& text, Args&&... args) noexcept {
  message<Args...>(Level::info, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void warning(std::string_view room, const Text<std::type_identity_t<Args>...>& text, Args&&... args) noexcept {
  message<Args...>(Level::warning, room, text, std::forward<Args>(args)...);
}
template <class... Args>
void error(std::string_view room, const Text<std::type_identity_t<Args>...>& text, Args&&... args) noexcept {
  message<Args...>(Level::error, room, text, std::forward<Args>(args)...);
}

}  // namespace arbiter::log
