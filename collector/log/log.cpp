#include "collector/log/log.hpp"

#define SD_JOURNAL_SUPPRESS_LOCATION  // it is that of whoever speaks, not of the logger
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace arbiter::log {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: break;
  }
  return spdlog::level::err;
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: break;
  }
  return "error";
}

// What journald takes from the front of a line (sd-daemon(3)).
char journald_priority(Level level) {
  switch (level) {
    case Level::debug: return '7';
    case Level::info: return '6';
    case Level::warning: return '4';
    case Level::error: break;
  }
  return '3';
}

const char* pattern(Format format) {
  switch (format) {
    case Format::text: return "%Y-%m-%dT%H:%M:%S.%eZ %v";
    case Format::json: return "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}";
    case Format::automatic:
    case Format::journald: break;
  }
  return "%v";
}

std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string_view(text.data(), text.size())); }

// One message, one line: whoever names things with line breaks in them (ids are foreign text) does not get to write lines of their own.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return line;
}

struct SiteHash {
  std::size_t operator()(const Site& site) const noexcept { return std::hash<const void*>()(site.file) * 31 + std::hash<int>()(site.line); }
};

struct Burst {
  std::chrono::steady_clock::time_point began;
  unsigned written = 0;
  std::uint64_t left_out = 0;
};

// One entry with fields. False: the journal does not take it.
bool send_to_journal(Level level, Site site, std::string_view room, std::string_view message) {
  const std::array<std::string, 6> fields = {std::string("MESSAGE=").append(message),   std::string("PRIORITY=") + journald_priority(level),
                                             std::string("ARBITER_ROOM=").append(room), std::string("CODE_FILE=") + site.file,
                                             "CODE_LINE=" + std::to_string(site.line),  "SYSLOG_IDENTIFIER=arbiter-collector"};
  std::array<iovec, fields.size()> parts{};
  for (std::size_t i = 0; i < fields.size(); ++i) parts[i] = {const_cast<char*>(fields[i].data()), fields[i].size()};  // it only reads them
  return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

class Logger {
 public:
  Logger() : sink_(std::make_shared<spdlog::sinks::stderr_sink_mt>()), logger_("arbiter", sink_) {
    logger_.flush_on(spdlog::level::trace);  // stderr is not buffered by us: what was said before a crash is there
    set(Level::info, Format::text);
  }

  void set(Level least, Format format) {
    const std::lock_guard lock(mutex_);
    to_journal_ = (format == Format::automatic || format == Format::journald) && stderr_is_journal();
    format_ = format == Format::automatic ? Format::text : format;
    logger_.set_level(spdlog_level(least));
    logger_.set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern(format_), spdlog::pattern_time_type::utc));
    least_.store(least, std::memory_order_relaxed);  // pairs with nothing: a level that is seen a message late harms nobody
  }

  bool enabled(Level level) const noexcept { return level >= least_.load(std::memory_order_relaxed); }

  void write(Level level, Site site, std::string_view room, std::string_view message) {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    Burst& burst = bursts_[site];  // as many as there are messages in the source
    if (burst.written == 0 || now - burst.began >= kBurstWindow) {
      const std::uint64_t left_out = std::exchange(burst.left_out, 0);
      burst.began = now, burst.written = 0;
      if (left_out > 0) line(level, site, room, std::to_string(left_out) + " messages like the next were left out");
    }
    if (burst.written == kBurst) {
      ++burst.left_out;
      return;
    }
    ++burst.written;
    line(level, site, room, message);
  }

 private:
  void line(Level level, Site site, std::string_view room, std::string_view message) {
    if (to_journal_ && send_to_journal(level, site, room, one_line(message))) return;
    std::string text;
    switch (format_) {
      case Format::automatic:
      case Format::text: text.append(level_name(level)).append(" ").append(room).append(": ").append(one_line(message)); break;
      case Format::json:
        text.append("\"level\":").append(quoted(level_name(level))).append(",\"room\":").append(quoted(room));
        text.append(",\"message\":").append(quoted(message));
        break;
      case Format::journald:
        text.append("<").append(1, journald_priority(level)).append(">").append(room).append(": ").append(one_line(message));
        break;
    }
    logger_.log(spdlog_level(level), text);
  }

  std::shared_ptr<spdlog::sinks::stderr_sink_mt> sink_;
  spdlog::logger logger_;
  std::mutex mutex_;
  Format format_ = Format::text;
  bool to_journal_ = false;
  std::atomic<Level> least_{Level::info};
  std::unordered_map<Site, Burst, SiteHash> bursts_;
};

// Never destroyed: threads that are still ending may speak.
Logger& logger() {
  static Logger& instance = *new Logger;
  return instance;
}

}  // namespace

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat found {};
  if (stream == nullptr || fstat(STDERR_FILENO, &found) != 0) return false;
  return std::to_string(found.st_dev) + ":" + std::to_string(found.st_ino) == stream;
}

void start(Level least, Format format) { logger().set(least, format); }

bool enabled(Level level) noexcept { return logger().enabled(level); }

void write(Level level, Site site, std::string_view room, std::string_view message) noexcept {
  try {
    logger().write(level, site, room, message);
  } catch (...) {  // stderr gone or no memory: nothing is left to say it to
  }
}

}  // namespace arbiter::log
