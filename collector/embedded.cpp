#include "collector/embedded.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "collector/thread.hpp"

namespace arbiter {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMark = "embedded";  // an empty file: this directory was taken by us, and is ours to remove
constexpr const char* kConfig = "collector.json";
constexpr std::array<std::string_view, 3> kBefore = {kConfig, "lanes", "log"};

Result<void> check(const std::string& directory) {
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0) return system_error(directory);
  if (!S_ISDIR(status.st_mode)) return Error{directory + ": is no directory"};
  if (status.st_uid != geteuid()) return Error{directory + ": belongs to another user"};
  std::error_code error;
  if (fs::exists(directory + "/" + kMark, error)) return {};
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    if (std::find(kBefore.begin(), kBefore.end(), name) == kBefore.end())
      return Error{directory + ": holds " + name + ", and would be removed with it: name a directory that is empty or missing"};
  }
  if (error) return Error{directory + ": " + error.message(), error.value()};
  return {};
}

// Reads what may be there, until there is nobody to write any more. False: `stop` was written to.
bool wait_for_end_of_input(int stop) {
  for (;;) {
    std::array<pollfd, 2> wanted = {{{STDIN_FILENO, POLLIN, 0}, {stop, POLLIN, 0}}};
    if (poll(wanted.data(), wanted.size(), -1) < 0 && errno != EINTR) return false;
    if (wanted[1].revents != 0) return false;
    if (wanted[0].revents == 0) continue;
    std::array<char, 4096> nothing;
    const ssize_t count = read(STDIN_FILENO, nothing.data(), nothing.size());
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return true;
  }
}

}  // namespace

Result<std::unique_ptr<Embedded>> Embedded::take(const std::string& directory) {
  const std::string place = fs::absolute(directory).lexically_normal().string();
  if (mkdir(place.c_str(), 0700) != 0 && errno != EEXIST) return system_error(place);
  if (auto checked = check(place); !checked) return checked.error();
  const int mark = open((place + "/" + kMark).c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (mark < 0) return system_error(place + "/" + kMark);
  close(mark);
  const std::string file = place + "/" + kConfig;
  if (std::error_code none; !fs::exists(file, none) && !(std::ofstream(file) << "{}\n").flush()) return system_error(file);
  return std::unique_ptr<Embedded>(new Embedded(place));
}

Embedded::~Embedded() {
  watch_no_more();
  if (stop_ >= 0) close(stop_);
}

void Embedded::watch_no_more() {
  if (!watching_.joinable()) return;
  eventfd_write(stop_, 1);
  watching_.join();
}

config::Options Embedded::options() const {
  return {.file = directory_ + "/" + kConfig,
          .instance = {},
          .ring_dir = directory_ + "/lanes",
          .state_dir = directory_ + "/state",
          .export_dir = directory_ + "/exports",
          .socket = directory_ + "/control.sock"};
}

Result<void> Embedded::watch() {
  stop_ = eventfd(0, EFD_CLOEXEC);
  if (stop_ < 0) return system_error("eventfd");
  watching_ = std::thread([this] {
    begin_thread("input", Urgency::whenever);
    if (!wait_for_end_of_input(stop_)) return;
    closed_ = true;
    kill(getpid(), SIGTERM);
  });
  return {};
}

Result<void> Embedded::leave() {
  watch_no_more();
  if (!closed_) return {};
  std::error_code error;
  fs::remove_all(directory_, error);
  if (error) return Error{directory_ + ": cannot be removed: " + error.message(), error.value()};
  return {};
}

}  // namespace arbiter
