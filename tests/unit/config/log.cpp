#include "collector/log/log.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/json/parse.hpp>

#include <string>
#include <vector>

#include "tests/unit/said.hpp"

using namespace arbiter;
using test::said;

TEST_CASE("a message is one line with time, level and room, whatever is in it") {
  log::start(log::Level::info, log::Format::text);
  const auto lines = said([] {
    log::info("journal", "sealed segment {}: {}", 7, "a\nb");
    log::debug("journal", "not said");
  });
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].substr(24) == " info journal: sealed segment 7: a b");
  CHECK(lines[0][10] == 'T');
  CHECK(lines[0][23] == 'Z');
}

TEST_CASE("as JSON, each line is one object") {
  log::start(log::Level::debug, log::Format::json);
  const auto lines = said([] { log::debug("control", "\"{}\"\n\\", "%v"); });
  REQUIRE(lines.size() == 1);
  const auto object = boost::json::parse(lines[0]).as_object();
  CHECK(object.at("level") == "debug");
  CHECK(object.at("room") == "control");
  CHECK(object.at("message") == "\"%v\"\n\\");
  CHECK(object.at("time").as_string().size() == 24);
}

TEST_CASE("for journald, each line begins with its priority") {
  log::start(log::Level::debug, log::Format::journald);
  const auto lines = said([] {
    log::error("ingest", "a");
    log::warning("ingest", "b");
    log::info("ingest", "c");
    log::debug("ingest", "d");
  });
  CHECK(lines == std::vector<std::string>{"<3>ingest: a", "<4>ingest: b", "<6>ingest: c", "<7>ingest: d"});
}

TEST_CASE("a place that repeats itself is cut off, and holds up no other") {
  log::start(log::Level::info, log::Format::journald);
  const auto lines = said([] {
    for (int i = 0; i < 1000; ++i) log::warning("ingest", "lane {} is wrong", i);
    log::warning("ingest", "another place");
  });
  REQUIRE(lines.size() == log::kBurst + 1);
  CHECK(lines[9] == "<4>ingest: lane 9 is wrong");
  CHECK(lines[10] == "<4>ingest: another place");
}
