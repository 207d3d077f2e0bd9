// Who is at the other end of the socket, and what that lets them do. The kernel says who (SO_PEERCRED, SO_PEERGROUPS): nothing the caller
// sends counts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::control {

enum class Access : std::uint8_t {
  none,    // strangers
  read,    // members of the group of readers
  change,  // root, and the collector's own user
};
std::string_view access_text(Access access);

inline constexpr std::string_view kReadersGroup = "arbiter-readers";

struct Peer {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary
  pid_t pid = 0;              // for people to read
  bool over_tcp = false;      // nothing is known of who it is: uid, gid, groups and pid mean nothing
};
Result<Peer> peer_of(int socket);

// `own`: the uid the collector runs as. `readers`: nothing if there is no such group.
Access access_of(const Peer& peer, uid_t own, std::optional<gid_t> readers);

// Whether a Host header names this machine as itself: another name means that somebody's browser was talked into calling here.
bool names_loopback(std::string_view host);

std::optional<gid_t> group_id(std::string_view name);

}  // namespace arbiter::control
