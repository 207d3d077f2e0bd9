#include "collector/control/access.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace arbiter::control;

TEST_CASE("root and the collector's own user may change, readers may read, nobody else anything") {
  constexpr uid_t own = 990;
  constexpr gid_t readers = 991;
  CHECK(access_of({0, 0, {}, 1}, own, readers) == Access::change);
  CHECK(access_of({own, 5, {}, 1}, own, readers) == Access::change);
  CHECK(access_of({1000, readers, {}, 1}, own, readers) == Access::read);
  CHECK(access_of({1000, 1000, {4, 20, readers}, 1}, own, readers) == Access::read);
  CHECK(access_of({1000, 1000, {4, 20}, 1}, own, readers) == Access::none);
  CHECK(access_of({1000, readers, {readers}, 1}, own, std::nullopt) == Access::none);
}

TEST_CASE("the kernel says who is at the other end") {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const auto peer = peer_of(pair[0]);
  REQUIRE(peer.has_value());
  CHECK(peer->uid == geteuid());
  CHECK(peer->gid == getegid());
  CHECK(peer->pid == getpid());
  CHECK(static_cast<int>(peer->groups.size()) == getgroups(0, nullptr));
  close(pair[0]);
  close(pair[1]);
}
