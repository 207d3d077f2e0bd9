// Where an Alertmanager is: on loopback or a Unix socket, and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arbiter::config {

struct AlertmanagerPlace {
  std::string unix_path;     // else:
  std::string address = {};  // of loopback, numeric
  std::uint16_t port = 0;
  std::string prefix = {};  // of its paths
};

// "http://127.0.0.1:9093", "http://[::1]:9093/prefix", "http://localhost:9093", "unix:/run/alertmanager.sock"; nothing: it is none of
// these.
std::optional<AlertmanagerPlace> parse_alertmanager(std::string_view url);

}  // namespace arbiter::config
