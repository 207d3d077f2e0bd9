#include "collector/control/target.hpp"

#include <doctest/doctest.h>

using namespace arbiter::control;

TEST_CASE("a target is taken apart before it is decoded, so that an id may hold any byte") {
  const auto target = parse_target("/v1/tasks/a%2Fb%3Fc%00%ff?since=-15m&task=x%26y%3Dz&task+=1");
  REQUIRE(target.has_value());
  CHECK(target->path == std::vector<std::string>{"v1", "tasks", std::string("a/b?c\0\xff", 7)});
  REQUIRE(target->find("task") != nullptr);
  CHECK(*target->find("since") == "-15m");
  CHECK(*target->find("task") == "x&y=z");
  CHECK(target->find("task+") != nullptr);
  CHECK(target->find("until") == nullptr);
}

TEST_CASE("a '%' without two digits is refused") {
  for (const char* text : {"/%", "/%2", "/%2x", "/a?b=%", "/a?%g0=1"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_target(text).has_value());
    CHECK(parse_target(text).error().code == 400);
  }
  CHECK_FALSE(parse_target("").has_value());
  CHECK_FALSE(parse_target("*").has_value());
  CHECK_FALSE(parse_target("http://x/").has_value());
}

TEST_CASE("every byte survives being encoded and decoded") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const auto target = parse_target("/" + percent_encoded(all) + "?x=" + percent_encoded(all));
  REQUIRE(target.has_value());
  CHECK((target->path == std::vector<std::string>{all}));
  CHECK((*target->find("x") == all));
}
