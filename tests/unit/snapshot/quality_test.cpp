#include "collector/snapshot/quality.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

using namespace arbiter;
using snapshot::DecisionQuality;
using snapshot::DecisionRow;

namespace {

DecisionRow row(std::uint64_t sequence, std::int64_t at, std::optional<double> reward, std::optional<double> propensity) {
  DecisionRow r;
  r.key.time_ns = r.decided_ns = at;
  r.key.sequence = sequence;
  r.reward.value = reward;
  r.propensity = propensity;
  return r;
}

}  // namespace

TEST_CASE("the quality of decisions is what an off-policy learner asks first") {
  DecisionQuality quality;
  quality.add(row(1, 1'000'000'000, 0.5, 0.5));
  quality.add(row(2, 2'000'000'000, 1.0, 0.25));
  quality.add(row(3, 9'500'000'000, 0.0, {}));
  quality.add(row(3, 9'500'000'000, {}, 0.0));  // the same id again
  const auto q = quality.json();
  CHECK(q.at("duplicates") == 1);
  CHECK(q.at("timeGaps").at("largestMs") == 7500.0);
  CHECK(q.at("timeGaps").at("after") == "1970-01-01T00:00:02.000000000Z");
  CHECK(q.at("reward").at("known") == 3);
  CHECK(q.at("reward").at("mean") == 0.5);
  CHECK(q.at("reward").at("variance").as_double() == doctest::Approx(0.5 / 3));  // (0 + 0.25 + 0.25) / 3
  CHECK(q.at("propensity").at("known") == 3);
  CHECK(q.at("propensity").at("share") == 0.75);
  CHECK(q.at("propensity").at("smallest") == 0.25);
  CHECK(q.at("propensity").at("largestWeight") == 4.0);
  CHECK(q.at("propensity").at("effectiveSampleSize").as_double() == doctest::Approx(36.0 / 20));  // (2 + 4)^2 / (4 + 16)
  CHECK(q.at("nulls").at("propensity") == 1);
  CHECK(q.at("nulls").at("reward") == 1);
  CHECK(q.at("nulls").at("decisionId") == 4);
  CHECK_FALSE(q.at("nulls").as_object().contains("taskId"));
}

TEST_CASE("of no rows nothing is known, and of one there is no gap") {
  const std::string none = boost::json::serialize(DecisionQuality().json());
  CHECK(none.find(R"("duplicates":0,"timeGaps":null,"reward":{"known":0,"mean":null,"variance":null},)"
                  R"("propensity":{"known":0,"share":null,"smallest":null,"largestWeight":null,"effectiveSampleSize":null}})") !=
        std::string::npos);
  DecisionQuality one;
  one.add(row(1, 5, 0.25, 1e-320));  // so small that its weight is beyond all numbers
  const auto q = one.json();
  CHECK(q.at("timeGaps").is_null());
  CHECK(q.at("reward").at("variance") == 0.0);
  CHECK(q.at("propensity").at("largestWeight").is_null());
  CHECK(q.at("propensity").at("effectiveSampleSize") == 1.0);
}

TEST_CASE("a gap over all of time is none too long") {
  DecisionQuality quality;
  quality.add(row(1, INT64_MIN + 1, {}, {}));
  quality.add(row(2, INT64_MAX, {}, {}));
  CHECK(quality.json().at("timeGaps").at("largestMs").as_double() == doctest::Approx(1.8446744073709552e13));
}
