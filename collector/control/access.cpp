#include "collector/control/access.hpp"

#include <arpa/inet.h>
#include <grp.h>
#include <sys/socket.h>

#include <algorithm>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace arbiter::control {

std::string_view access_text(Access access) {
  switch (access) {
    case Access::read: return "reading";
    case Access::change: return "changing";
    case Access::none: break;
  }
  return "nothing";
}

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return system_error("asking who the caller is");
  Peer peer{credentials.uid, credentials.gid, {}, credentials.pid};
  peer.groups.resize(32);
  while (true) {
    size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size) == 0) break;
    if (errno != ERANGE) return system_error("asking which groups the caller is in");
    peer.groups.resize(size / sizeof(gid_t));  // the kernel has put the size it needs there
  }
  peer.groups.resize(size / sizeof(gid_t));
  return peer;
}

Access access_of(const Peer& peer, uid_t own, std::optional<gid_t> readers) {
  if (peer.uid == 0 || peer.uid == own) return Access::change;
  if (readers && (peer.gid == *readers || std::find(peer.groups.begin(), peer.groups.end(), *readers) != peer.groups.end()))
    return Access::read;
  return Access::none;
}

bool names_loopback(std::string_view host) {
  if (host.starts_with('[')) return host.starts_with("[::1]") && (host.size() == 5 || host[5] == ':');
  const std::string name(host.substr(0, host.find(':')));
  in_addr four{};
  constexpr std::uint32_t loopback_net = 127;
  return name == "localhost" || (inet_pton(AF_INET, name.c_str(), &four) == 1 && ntohl(four.s_addr) >> 24 == loopback_net);
}

std::optional<gid_t> group_id(std::string_view name) {
  std::vector<char> buffer(65'536);
  group entry{};
  group* found = nullptr;
  if (getgrnam_r(std::string(name).c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return found->gr_gid;
}

}  // namespace arbiter::control
