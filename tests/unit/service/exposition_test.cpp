#include "collector/service/exposition.hpp"

#include <doctest/doctest.h>

#include <array>

#include "collector/service/health.hpp"

using namespace arbiter;
using namespace arbiter::service;

namespace {
constexpr std::array<std::uint64_t, 3> kBounds = {1'000'000, 2'500'000, 1'000'000'000};
}

TEST_CASE("a value is counted under the first bound that it does not exceed, as often as it came") {
  Meter meter(kBounds);
  meter.add(0);
  meter.add(1'000'000);
  meter.add(1'000'001, 5);
  meter.add(1'000'000'000);
  meter.add(1'000'000'001, 2);
  CHECK(meter.at(0) == 2);
  CHECK(meter.at(1) == 5);
  CHECK(meter.at(2) == 1);
  CHECK(meter.at(3) == 2);
  CHECK(meter.sum() == 1'000'000 + 5 * 1'000'001. + 1'000'000'000 + 2 * 1'000'000'001.);
}

TEST_CASE("a histogram is cumulative, in the unit of its name, and ends with all there is") {
  Meter meter(kBounds);
  meter.add(500'000, 3);
  meter.add(2'000'000);
  meter.add(5'000'000'000);
  Exposition out;
  out.histogram("a_seconds", "Words.", meter, 1e-9);
  CHECK(
      out.take() ==
      "# HELP a_seconds Words.\n# TYPE a_seconds histogram\n"
      "a_seconds_bucket{le=\"0.001\"} 3\na_seconds_bucket{le=\"0.0025\"} 4\na_seconds_bucket{le=\"1\"} 4\na_seconds_bucket{le=\"+Inf\"} 5\n"
      "a_seconds_sum 5.0035\na_seconds_count 5\n");
}

TEST_CASE("labels are quoted, numbers are whole where they are") {
  Exposition out;
  out.family("a_total", "counter", "Words.");
  out.sample(std::uint64_t{18'446'744'073'709'551'615U}, {{"x", "a\"b\\c\nd"}, {"y", ""}});
  out.gauge("b", "More.", 0.25);
  CHECK(out.take() ==
        "# HELP a_total Words.\n# TYPE a_total counter\na_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 18446744073709551615\n"
        "# HELP b More.\n# TYPE b gauge\nb 0.25\n");
}

TEST_CASE("health is that of the worst problem, and says since when; a notice is not ill health") {
  constexpr std::int64_t began = 1'800'000'000'000'000'000, second = 1'000'000'000;
  const Problem notice{Severity::notice, "a lane", "mend it", began}, paused{Severity::paused, "paused", "resume", began},
      degraded{Severity::degraded, "the disk", "look at it", began};
  const auto said = [&](std::vector<Problem> problems, std::int64_t after) {
    const auto health = health_json(std::move(problems), began + after * second);
    return std::string(health.at("health").as_string()) + ": " + std::string(health.at("explanation").as_string()) + " " +
           std::to_string(health.at("problems").as_array().size());
  };
  CHECK(said({}, 0) == "ok: everything that is recorded is taken 0");
  CHECK(said({notice}, 5) == "ok: everything that is recorded is taken 1");
  CHECK(said({notice, paused}, 0) == "paused: paused (just now): resume 2");
  CHECK(said({notice, paused, degraded}, 65) == "degraded: the disk (for 1m5s): look at it 3");
  CHECK(said({degraded}, 3725) == "degraded: the disk (for 1h2m): look at it 1");
  CHECK(said({degraded}, 100'000) == "degraded: the disk (for 1d3h): look at it 1");
  const auto health = health_json({paused, degraded}, began);
  CHECK(health.at("problems").as_array()[0].as_object().at("since") == "2027-01-15T08:00:00.000Z");
  CHECK(health.at("problems").as_array()[0].as_object().at("severity") == "degraded");
}
