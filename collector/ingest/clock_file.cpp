#include "collector/ingest/clock_file.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include "collector/log/log.hpp"

namespace arbiter::ingest {
namespace {

constexpr const char* kFirstWords = "arbiter-clock 1 ";

// Where a reading of the boot-time clock means something: this boot, and in it this name space of clocks.
std::string boot() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  std::array<char, 64> space{};
  const ssize_t size = readlink("/proc/self/ns/time", space.data(), space.size());
  return (id.empty() ? "-" : id) + " " + (size > 0 ? std::string(space.data(), static_cast<std::size_t>(size)) : "-");
}

std::int64_t boottime_ns() {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

void resume(Timeline& timeline, const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return;
  Timeline::Saved saved;
  std::string word, version, id, space;
  std::int64_t at_boottime_ns = 0;
  std::istringstream words(line);
  words >> word >> version >> id >> space >> at_boottime_ns >> saved.unix_ns >> saved.lag_ns >> saved.lag_left_ns;
  const bool whole = !file.eof();  // the end of the line was there
  const auto possible = [](std::int64_t ns) { return ns >= 0 && ns <= std::int64_t{1} << 62; };
  if (!whole || !words || word + " " + version + " " != kFirstWords || !possible(at_boottime_ns) || !possible(saved.unix_ns) ||
      !possible(saved.lag_ns) || !possible(saved.lag_left_ns)) {
    log::warning("ingest", "{}: cannot be read: steps of the clock made before this start are forgotten", path);
    return;
  }
  const std::int64_t elapsed = boottime_ns() - at_boottime_ns;
  const bool same_boot = id != "-" && id + " " + space == boot() && elapsed >= 0;
  const std::uint64_t steps = timeline.steps();
  timeline.resume(saved, same_boot ? std::optional(elapsed) : std::nullopt);
  if (timeline.steps() != steps) log::warning("ingest", "the clock was set while no collector ran: nothing is deleted for it");
}

Result<void> save(const Timeline& timeline, const std::string& path) {
  const Timeline::Saved saved = timeline.saved();
  std::ostringstream text;
  text << kFirstWords << boot() << ' ' << boottime_ns() << ' ' << saved.unix_ns << ' ' << saved.lag_ns << ' ' << saved.lag_left_ns << '\n';
  const std::string line = text.str(), temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return system_error(temporary);
  const ssize_t written = write(fd, line.data(), line.size());
  const int code = written < 0 ? errno : ENOSPC;
  close(fd);
  if (written != static_cast<ssize_t>(line.size())) {
    unlink(temporary.c_str());
    return system_error(temporary, code);
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return system_error(path);
  return {};
}

}  // namespace arbiter::ingest
