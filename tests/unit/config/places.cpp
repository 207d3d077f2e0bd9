#include "collector/config/places.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace arbiter::config;

namespace {

Surroundings who(std::map<std::string, std::string> environment, bool system = false) {
  Surroundings s;
  s.uid = 1000;
  s.home = "/home/database";
  s.system = system;
  s.environment = [environment = std::move(environment)](const char* name) -> std::optional<std::string> {
    const auto at = environment.find(name);
    return at == environment.end() ? std::nullopt : std::optional(at->second);
  };
  return s;
}

}  // namespace

TEST_CASE("the service has the system's places") {
  const auto p = places(who({{"HOME", "/root"}, {"XDG_RUNTIME_DIR", "/run/user/0"}}, true));
  REQUIRE(p.has_value());
  CHECK(p->ring_dir == "/run/arbiter/lanes");
  CHECK(p->socket == "/run/arbiter/control.sock");
  CHECK(p->state_dir == "/var/lib/arbiter");
  CHECK(p->config_file == "/etc/arbiter/collector.json");
}

TEST_CASE("an ordinary user has private places, XDG's where they are set") {
  const auto xdg =
      places(who({{"HOME", "/home/u"}, {"XDG_RUNTIME_DIR", "/run/user/1000"}, {"XDG_STATE_HOME", "/s"}, {"XDG_CONFIG_HOME", "/c"}}));
  REQUIRE(xdg.has_value());
  CHECK(xdg->ring_dir == "/run/user/1000/arbiter/lanes");
  CHECK(xdg->socket == "/run/user/1000/arbiter/control.sock");
  CHECK(xdg->state_dir == "/s/arbiter");
  CHECK(xdg->config_file == "/c/arbiter/collector.json");

  const auto bare = places(who({{"HOME", "/home/u"}, {"XDG_STATE_HOME", "relative"}}));
  REQUIRE(bare.has_value());
  CHECK(bare->ring_dir == "/dev/shm/arbiter-1000/lanes");
  CHECK(bare->socket == "/dev/shm/arbiter-1000/control.sock");
  CHECK(bare->state_dir == "/home/u/.local/state/arbiter");
  CHECK(bare->config_file == "/home/u/.config/arbiter/collector.json");
  CHECK(places(who({}))->state_dir == "/home/database/.local/state/arbiter");
}

TEST_CASE("a key that the service manager passes goes before the one in the state directory, and a configured one before both") {
  Surroundings service = who({}, true);
  service.credential = "/run/credentials/arbiter-collector.service/anonymization.key";
  Config config;
  fill(config, *places(service));
  CHECK(config.anonymization.key_file == service.credential);
  config = {};
  config.anonymization.key_file = "/etc/keys/arbiter";
  fill(config, *places(service));
  CHECK(config.anonymization.key_file == "/etc/keys/arbiter");
  config = {};
  fill(config, *places(who({}, true)));
  CHECK(config.anonymization.key_file == "/var/lib/arbiter/anonymization.key");
}

TEST_CASE("an instance has every place for itself") {
  const auto system = places(who({}, true), "two");
  REQUIRE(system.has_value());
  CHECK(system->ring_dir == "/run/arbiter-two/lanes");
  CHECK(system->state_dir == "/var/lib/arbiter-two");
  CHECK(system->config_file == "/etc/arbiter-two/collector.json");
  const auto user = places(who({}), "two");
  CHECK(user->ring_dir == "/dev/shm/arbiter-1000-two/lanes");
  CHECK(user->state_dir == "/home/database/.local/state/arbiter-two");
  for (const char* bad : {"a/b", "..", "a b", "\xc3\xa9", "123456789012345678901234567890123"}) {
    CAPTURE(bad);
    CHECK_FALSE(places(who({}), bad).has_value());
  }
}

TEST_CASE("a client takes the socket it is told, else the private one where the system has none") {
  CHECK(client_socket(who({{"ARBITER_SOCKET", "/x.sock"}})) == "/x.sock");
  CHECK(client_socket(who({{"XDG_RUNTIME_DIR", "/run/user/1000"}}), "none-such") == "/run/user/1000/arbiter-none-such/control.sock");
}
