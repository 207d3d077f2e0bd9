// Where a TCP listener may be: on this machine alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arbiter::config {

struct Address {
  std::string host;  // as inet_pton reads it: "127.0.0.1", "::1"
  std::uint16_t port = 0;
};

// "127.0.0.1:9464", any of 127.0.0.0/8, or "[::1]:9464". Nothing if it is not of that form, or no loopback address.
std::optional<Address> parse_loopback(std::string_view text);

}  // namespace arbiter::config
