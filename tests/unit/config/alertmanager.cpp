#include "collector/config/alertmanager.hpp"

#include <doctest/doctest.h>

using arbiter::config::parse_alertmanager;

TEST_CASE("an Alertmanager is on loopback or a Unix socket") {
  const auto plain = parse_alertmanager("http://127.0.0.1:9093");
  REQUIRE(plain);
  CHECK(plain->address == "127.0.0.1");
  CHECK(plain->port == 9093);
  CHECK(plain->prefix.empty());
  const auto six = parse_alertmanager("http://[::1]:9093/alerts/");
  REQUIRE(six);
  CHECK(six->address == "::1");
  CHECK(six->prefix == "/alerts");
  CHECK(parse_alertmanager("http://localhost:80")->address == "127.0.0.1");
  CHECK(parse_alertmanager("unix:/run/alertmanager.sock")->unix_path == "/run/alertmanager.sock");
}

TEST_CASE("an Alertmanager anywhere else is none") {
  for (const char* url :
       {"", "127.0.0.1:9093", "https://127.0.0.1:9093", "http://10.0.0.1:9093", "http://example.com:9093", "http://127.0.0.1",
        "http://localhost", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://127.0.0.1:90x", "http://127.0.0:9093",
        "http://127.0.0.1.1:9093", "http://[::2]:9093", "http://127.0.0.256:9093", "unix:relative", "http://127.0.0.1:9093/a b"})
    CHECK_FALSE(parse_alertmanager(url));
}
