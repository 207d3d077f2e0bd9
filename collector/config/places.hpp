// Where things lie when nobody says otherwise: for the system service, and for an ordinary user.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "collector/config/config.hpp"
#include "shm/result.hpp"

namespace arbiter::config {

struct Places {
  std::string ring_dir, state_dir, socket, config_file;
  std::string key_file;  // a credential that the service manager passes (LoadCredential); empty: none, the key is in the state directory
  std::string encryption_key_file = {};  // likewise; empty: none
};

// What the choice depends on.
struct Surroundings {
  unsigned uid = 0;                                                    // effective
  std::function<std::optional<std::string>(const char*)> environment;  // unset and empty are the same: nothing
  std::string home;                                                    // from the user database, when HOME is not set
  std::string credential;                                              // the key's file among those passed, if there is one
  std::string encryption_credential;                                   // likewise
  bool system = false;                                                 // root, or /run/arbiter is ours
};
Surroundings surroundings();  // of this process

// `instance` keeps several collectors of one machine apart: "arbiter-NAME" instead of "arbiter" in every place. Empty: the usual one.
// Error: not a name of 1 to 32 letters, digits, '-' and '_'.
Result<Places> places(const Surroundings& who, std::string_view instance = {});

// Fills in what the configuration leaves open. What depends on state_dir (exports, the key) follows the configured one.
void fill(Config& config, const Places& places);

// Where a client looks for the collector's socket, first that serves: ARBITER_SOCKET; /run/arbiter/control.sock if it is there; the private
// place.
std::string client_socket(const Surroundings& who, std::string_view instance = {});

}  // namespace arbiter::config
