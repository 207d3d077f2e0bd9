#include "producer/place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

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
Result<void> make_directory(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0) {
      struct stat status {};
      const int code = errno;
      if (stat(part.c_str(), &status) != 0) return system_error("making " + part, code);
      if (!S_ISDIR(status.st_mode)) return system_error("making " + path + ": " + part, ENOTDIR);
    }
    if (slash == std::string::npos) return {};
  }
}

bool own_directory(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

}  // namespace

Places places(const ProducerOptions& options) {
  Places p;
  p.disabled = environment("ARBITER_DISABLE") == "1";
  if (!good_instance(options.instance)) {
    p.wrong = "instance '" + std::string(options.instance.substr(0, 64)) + "': a name is up to 64 letters, digits, '-', '_' and '.'";
    return p;
  }
  p.named = absolute(!options.ring_dir.empty() ? options.ring_dir : environment("ARBITER_RING_DIR"));
  if (!p.named.empty()) return p;
  const std::string suffix = options.instance.empty() ? std::string() : '-' + std::string(options.instance);
  p.system = "/run/arbiter" + suffix + "/lanes";
  const std::string_view runtime = environment("XDG_RUNTIME_DIR");
  p.own = runtime.starts_with('/') ? std::string(runtime) + "/arbiter" + suffix + "/lanes"
                                   : "/dev/shm/arbiter-" + std::to_string(geteuid()) + suffix + "/lanes";
  return p;
}

Result<std::string> find_lanes(const Places& places) {
  if (!places.wrong.empty()) return Error{places.wrong, EINVAL};
  if (!places.named.empty()) {
    if (Result<void> made = make_directory(places.named); !made) return made.error();
    return {boost::system::in_place_value, places.named};
  }
  struct stat status {};
  if (stat(places.system.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
      faccessat(AT_FDCWD, places.system.c_str(), W_OK | X_OK, AT_EACCESS) == 0)
    return {boost::system::in_place_value, places.system};
  // Its parent too: in /dev/shm anybody can make a directory of that name, with a link in it to one of ours.
  if (own_directory(places.own) && own_directory(places.own.substr(0, places.own.rfind('/'))))
    return {boost::system::in_place_value, places.own};
  return Error{"no lanes: " + places.system + " is not there or not writable, " + places.own +
                   " is not there or not this user's, and ARBITER_RING_DIR is not set",
               ENOENT};
}

}  // namespace arbiter::producer
