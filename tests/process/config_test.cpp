// Configuration: mistakes are named where they are, changes apply while it runs, a bad file leaves things as they were.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/process/harness.hpp"

namespace arbiter::test {

TEST_CASE("a typo in a key stops the start with 78, and names file, line, key and the nearest valid key") {
  Place place;
  const fs::path file = place.write("bad.json", "{\n  \"retention\": {\n    \"max_evnts\": 100\n  }\n}\n");
  for (const char* option : {"", "--check-config"}) {
    Arguments arguments{"--config", file, "--state-dir", place.state(), "--ring-dir", place.lanes(), "--socket", place.socket()};
    if (*option != '\0') arguments.push_back(option);
    const Ran ran = place.run("arbiter-collector", arguments);
    CHECK(ran.exit == 78);
    CHECK(ran.err.starts_with("arbiter-collector: "));
    for (const std::string& part : {file.string() + ":3", std::string("max_evnts"), std::string("max_events")})
      CHECK_MESSAGE(ran.err.find(part) != std::string::npos, part << " in: " << ran.err);
  }
  CHECK(!fs::exists(place.state()));
}

TEST_CASE("values out of their range, of another type, and text that is not JSON stop the start with 78") {
  Place place;
  for (const char* text :
       {R"({"retention": {"max_events": 0}})", R"({"retention": {"max_age": "7 fortnights"}})",
        R"({"anonymization": {"free_text": "shout"}})", R"({"enabled": "yes"})", "{", "[]", R"({"enabled": true, "enabled": false})"}) {
    const Ran ran = place.run("arbiter-collector", {"--check-config", "--config", place.write("bad.json", text)});
    CHECK_MESSAGE(ran.exit == 78, text);
    CHECK_MESSAGE(ran.err.find("bad.json") != std::string::npos, ran.err);
  }
  CHECK(place.run("arbiter-collector", {"--check-config", "--config", "/no/such/file.json"}).exit == 78);
}

TEST_CASE("the documented configuration of the repository is a good one") {
  Place place;
  const Ran ran = place.run("arbiter-collector", {"--check-config", "--config", ARBITER_SOURCE_DIR "/config/collector.json"});
  CHECK_MESSAGE(ran.exit == 0, ran.err);
}

TEST_CASE("a bad file at SIGHUP leaves the running configuration in place, a good one applies") {
  Place place;
  Collector collector(place, plain_config());
  const auto max_events = [&] { return collector.ask({"config", "get"}).at("retention").at("max_events"); };
  CHECK(max_events().is_null());
  place.write("collector.json", R"({"retention": {"max_events": 7, "max_agge": null}})");
  ::kill(collector.pid(), SIGHUP);
  REQUIRE(wait_until([&] { return collector.log().find("max_agge") != std::string::npos; }));
  CHECK(max_events().is_null());
  CHECK(collector.running());

  place.write("collector.json", R"({"retention": {"max_age": null, "max_events": 7}, "anonymization": {"enabled": false}})");
  ::kill(collector.pid(), SIGHUP);
  CHECK(wait_until([&] { return max_events() == 7; }));
  place.replay(place.sample(5));
  CHECK(collector.stats().at("retainedEvents") == 7);
}

TEST_CASE("config set applies at once what can change, and refuses what is wrong without changing anything") {
  Place place;
  Collector collector(place, plain_config());
  CHECK(collector.ctl({"config", "set", "retention.max_events=3"}).exit == 0);
  CHECK(collector.ask({"config", "get"}).at("retention").at("max_events") == 3);
  const Ran wrong = collector.ctl({"config", "set", "retention.max_evens=5"});
  CHECK(wrong.exit == 2);
  CHECK_MESSAGE(wrong.err.find("max_events") != std::string::npos, wrong.err);
  CHECK(collector.ctl({"config", "set", "retention.max_events=many"}).exit == 2);
  CHECK(collector.ask({"config", "get"}).at("retention").at("max_events") == 3);
}

}  // namespace arbiter::test
