#include "collector/config/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace arbiter::config {

std::optional<Address> parse_loopback(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  Address address;
  const std::string_view digits = text.substr(colon + 1);
  const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (digits.empty() || wrong != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    address.host = host.substr(1, host.size() - 2);
    in6_addr six{};
    if (inet_pton(AF_INET6, address.host.c_str(), &six) != 1 || !IN6_IS_ADDR_LOOPBACK(&six)) return std::nullopt;
    return address;
  }
  address.host = host;
  in_addr four{};
  constexpr std::uint32_t loopback_net = 127;
  if (inet_pton(AF_INET, address.host.c_str(), &four) != 1 || ntohl(four.s_addr) >> 24 != loopback_net) return std::nullopt;
  return address;
}

}  // namespace arbiter::config
