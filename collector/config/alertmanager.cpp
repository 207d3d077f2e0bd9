#include "collector/config/alertmanager.hpp"

#include <algorithm>

#include "collector/config/address.hpp"

namespace arbiter::config {

std::optional<AlertmanagerPlace> parse_alertmanager(std::string_view url) {
  constexpr std::size_t unix_path_max = 107;
  constexpr std::string_view unix_scheme = "unix:", scheme = "http://", local = "localhost:";
  if (url.starts_with(unix_scheme)) {
    url.remove_prefix(unix_scheme.size());
    if (!url.starts_with('/') || url.size() > unix_path_max || url.find('\0') != url.npos) return {};
    return AlertmanagerPlace{std::string(url)};
  }
  if (!url.starts_with(scheme)) return {};
  url.remove_prefix(scheme.size());
  const std::size_t slash = std::min(url.find('/'), url.size());
  std::string host(url.substr(0, slash));
  if (host.starts_with(local)) host.replace(0, local.size(), "127.0.0.1:");
  const auto address = parse_loopback(host);
  if (!address || address->port == 0) return {};
  AlertmanagerPlace place{{}, address->host, address->port, std::string(url.substr(slash))};
  while (place.prefix.ends_with('/')) place.prefix.pop_back();
  if (std::any_of(place.prefix.begin(), place.prefix.end(), [](unsigned char c) { return c <= ' ' || c > '~'; })) return {};
  return place;
}

}  // namespace arbiter::config
