#include "collector/service/own_use.hpp"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace arbiter::service {
namespace {

// Since when the process runs: its 22nd field says so in ticks after the machine's start. Its second, the name, may hold anything.
std::optional<double> started_unix_seconds() {
  std::ifstream stat("/proc/self/stat");
  std::string text;
  if (!std::getline(stat, text)) return std::nullopt;
  constexpr int fields_behind_name = 20;
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string field;
  for (int i = 0; i < fields_behind_name; ++i) fields >> field;
  timespec booted{}, now{};
  clock_gettime(CLOCK_BOOTTIME, &booted);
  clock_gettime(CLOCK_REALTIME, &now);
  const auto seconds = [](const timespec& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9; };
  return seconds(now) - seconds(booted) + std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<OwnUse> own_use() {
  std::ifstream status("/proc/self/status");
  const auto started = started_unix_seconds();
  if (!status || !started) return std::nullopt;
  OwnUse use;
  use.started_unix_seconds = *started;
  for (std::string line; std::getline(status, line);) {
    const auto bytes = [&line] { return std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10) * 1024; };
    if (line.starts_with("RssAnon:")) use.anonymous_bytes = bytes();
    if (line.starts_with("RssFile:")) use.file_bytes = bytes();
    if (line.starts_with("RssShmem:")) use.shared_bytes = bytes();
    if (line.starts_with("VmSize:")) use.virtual_bytes = bytes();
  }
  rusage taken{};
  getrusage(RUSAGE_SELF, &taken);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  use.cpu_seconds = seconds(taken.ru_utime) + seconds(taken.ru_stime);
  std::error_code ignored;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", ignored)) ++use.open_files;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) use.open_files_max = limit.rlim_cur;
  return use;
}

}  // namespace arbiter::service
