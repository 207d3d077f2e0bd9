#include "producer/place.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "shm/segment.hpp"

namespace arbiter::producer {
namespace {

std::string_view environment(const char* name) {
  const char* const value = secure_getenv(name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

bool good_instance(std::string_view name) {
  if (name.size() > 64 || name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != name.npos)
    return false;
  return name != "." && name != "..";
}

// The process may change its working directory later. Without a slash at the end: names beside the directory are made from it.
std::string absolute(std::string_view path) {
  if (path.empty()) return {};
  std::error_code none;
  std::string whole = std::filesystem::absolute(path, none).string();
  if (none) whole = path;
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

// mkdir -p, mode 0700. Parents that are there already stay as they are.
bool make_directory(const Place& place, Problem& problem) noexcept {
  struct stat status {};
  if (stat(place.lanes.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return true;
  for (const std::string& part : place.way) {
    if (mkdir(part.c_str(), 0700) == 0) continue;
    int code = errno;
    if (stat(part.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) continue;
      code = ENOTDIR;
    }
    problem.say({"making ", place.lanes, ": ", part, ": ", Problem::of(code)});
    return false;
  }
  return true;
}

bool own_directory(const std::string& path) noexcept {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

bool writable_directory(const std::string& path) noexcept {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0;
}

}  // namespace

Place::Place(std::string directory)
    : lanes(std::move(directory)), enabled_file(arbiter::enabled_file(lanes)), parent(lanes.substr(0, lanes.rfind('/'))) {
  for (std::size_t slash = lanes.find('/', 1);; slash = lanes.find('/', slash + 1)) {
    way.push_back(lanes.substr(0, slash));
    if (slash == std::string::npos) break;
  }
  const std::string name = lanes + ".doorbell";
  doorbell.sun_family = AF_UNIX;
  has_doorbell = name.size() < sizeof doorbell.sun_path;
  if (has_doorbell) name.copy(doorbell.sun_path, name.size());
}

bool Places::operator==(const Places& other) const {
  return named.lanes == other.named.lanes && system.lanes == other.system.lanes && own.lanes == other.own.lanes && wrong == other.wrong &&
         disabled == other.disabled;
}

Places places(const ProducerOptions& options) {
  Places p;
  p.disabled = environment("ARBITER_DISABLE") == "1";
  if (!good_instance(options.instance)) {
    p.wrong = "instance '" + std::string(options.instance.substr(0, 64)) + "': a name is up to 64 letters, digits, '-', '_' and '.'";
    return p;
  }
  if (std::string named = absolute(!options.ring_dir.empty() ? options.ring_dir : environment("ARBITER_RING_DIR")); !named.empty()) {
    p.named = Place(std::move(named));
    return p;
  }
  const std::string suffix = options.instance.empty() ? std::string() : '-' + std::string(options.instance);
  p.system = Place("/run/arbiter" + suffix + "/lanes");
  const std::string_view runtime = environment("XDG_RUNTIME_DIR");
  p.own = Place(runtime.starts_with('/') ? std::string(runtime) + "/arbiter" + suffix + "/lanes"
                                         : "/dev/shm/arbiter-" + std::to_string(geteuid()) + suffix + "/lanes");
  return p;
}

const Place* find_lanes(const Places& places, Problem& problem) noexcept {
  if (places.unknown) {
    problem.say({"there was no memory for this producer when it was made: make another"});
    return nullptr;
  }
  if (!places.wrong.empty()) {
    problem.say({places.wrong});
    return nullptr;
  }
  if (!places.named.lanes.empty()) return make_directory(places.named, problem) ? &places.named : nullptr;
  if (writable_directory(places.system.lanes)) return &places.system;
  // Its parent too: in /dev/shm anybody can make a directory of that name, with a link in it to one of ours.
  if (own_directory(places.own.lanes) && own_directory(places.own.parent)) return &places.own;
  problem.say({"no lanes: ", places.system.lanes, " is not there or not writable, ", places.own.lanes,
               " is not there or not this user's, and ARBITER_RING_DIR is not set"});
  return nullptr;
}

}  // namespace arbiter::producer
