#include "collector/config/change.hpp"

#include <doctest/doctest.h>
#include <boost/json/serialize.hpp>

using namespace arbiter::config;

TEST_CASE("what differs is told with both values and whether it can change at once") {
  Config from, to;
  CHECK(difference(from, to).empty());
  to.retention.max_events = 100;
  to.state_dir = "/elsewhere";
  const auto changes = difference(from, to);
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].key == "state_dir");
  CHECK(changes[0].from == "null");
  CHECK(changes[0].to == "\"/elsewhere\"");
  CHECK_FALSE(changes[0].live);
  CHECK(changes[1].key == "retention.max_events");
  CHECK(changes[1].from == "null");
  CHECK(changes[1].to == "100");
  CHECK(changes[1].live);
}

TEST_CASE("what can change while running is taken over, the rest is named and left alone") {
  Config running, wanted;
  wanted.log.level = LogLevel::debug;
  wanted.retention.max_age.reset();
  wanted.anonymization.enabled = false;
  const Applied applied = apply(running, wanted);
  CHECK(boost::json::serialize(json_of(applied)) ==
        R"({"applied":["retention.max_age","log.level"],"needs_restart":["anonymization.enabled"]})");
  CHECK(applied.has("log.level"));
  CHECK_FALSE(applied.has("anonymization.enabled"));
  CHECK(running.log.level == LogLevel::debug);
  CHECK_FALSE(running.retention.max_age.has_value());
  CHECK(running.anonymization.enabled);
  CHECK(apply(running, wanted).applied.empty());
}
