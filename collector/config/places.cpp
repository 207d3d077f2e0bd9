#include "collector/config/places.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace arbiter::config {
namespace {

bool valid_instance(std::string_view name) {
  constexpr std::size_t bytes_max = 32;
  return name.size() <= bytes_max && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

std::string directory_name(std::string_view instance) { return instance.empty() ? "arbiter" : "arbiter-" + std::string(instance); }

// An XDG directory counts only if it is absolute (the specification says so).
std::optional<std::string> xdg(const Surroundings& who, const char* name) {
  auto value = who.environment(name);
  if (value && value->front() != '/') return std::nullopt;
  return value;
}

std::string home(const Surroundings& who) {
  if (auto value = who.environment("HOME"); value && value->front() == '/') return *value;
  if (!who.home.empty()) return who.home;
  return "/var/tmp/arbiter-" + std::to_string(who.uid);
}

std::string private_runtime(const Surroundings& who, std::string_view instance) {
  if (const auto run = xdg(who, "XDG_RUNTIME_DIR")) return *run + "/" + directory_name(instance);
  return "/dev/shm/arbiter-" + std::to_string(who.uid) + (instance.empty() ? "" : "-" + std::string(instance));
}

}  // namespace

Surroundings surroundings() {
  Surroundings who;
  who.uid = geteuid();
  who.environment = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
  std::vector<char> buffer(16'384);
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(who.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr && found->pw_dir != nullptr &&
      found->pw_dir[0] == '/')
    who.home = found->pw_dir;
  if (const auto passed = who.environment("CREDENTIALS_DIRECTORY")) {
    const auto credential = [&](const char* name) {
      std::string path = *passed + "/" + name;
      return access(path.c_str(), F_OK) == 0 ? path : std::string();
    };
    who.credential = credential("anonymization.key");
    who.encryption_credential = credential("encryption.key");
  }
  // Its owner, too, where the unit of an instance lets it write only to its own places.
  struct stat run {};
  who.system = who.uid == 0 || access("/run/arbiter", W_OK) == 0 || (stat("/run/arbiter", &run) == 0 && run.st_uid == who.uid);
  return who;
}

Result<Places> places(const Surroundings& who, std::string_view instance) {
  if (!valid_instance(instance))
    return Error{"\"" + std::string(instance) + "\" is no name of an instance: use 1 to 32 letters, digits, '-' and '_'"};
  const std::string name = directory_name(instance);
  if (who.system)
    return Places{"/run/" + name + "/lanes",          "/var/lib/" + name, "/run/" + name + "/control.sock",
                  "/etc/" + name + "/collector.json", who.credential,     who.encryption_credential};
  const std::string run = private_runtime(who, instance);
  const std::string state = xdg(who, "XDG_STATE_HOME").value_or(home(who) + "/.local/state");
  const std::string config = xdg(who, "XDG_CONFIG_HOME").value_or(home(who) + "/.config");
  return Places{run + "/lanes", state + "/" + name,       run + "/control.sock", config + "/" + name + "/collector.json",
                who.credential, who.encryption_credential};
}

void fill(Config& config, const Places& places) {
  const auto open = [](std::string& field, const std::string& value) {
    if (field.empty()) field = value;
  };
  open(config.ring_dir, places.ring_dir);
  open(config.state_dir, places.state_dir);
  open(config.socket, places.socket);
  if (!places.key_file.empty()) open(config.anonymization.key_file, places.key_file);
  if (!places.encryption_key_file.empty()) open(config.encryption.key_file, places.encryption_key_file);
  open(config.export_dir, config.state_dir + "/exports");
  open(config.anonymization.key_file, config.state_dir + "/anonymization.key");
}

std::string client_socket(const Surroundings& who, std::string_view instance) {
  if (const auto named = who.environment("ARBITER_SOCKET")) return *named;
  std::string system = "/run/" + directory_name(instance) + "/control.sock";
  if (access(system.c_str(), F_OK) == 0) return system;
  return private_runtime(who, instance) + "/control.sock";
}

}  // namespace arbiter::config
