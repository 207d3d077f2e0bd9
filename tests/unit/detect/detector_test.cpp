#include "collector/detect/detector.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace arbiter;
using namespace arbiter::detect;
using aggregate::Whom;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kBegin = 1'790'000'000 * kSecond;

// A detector, fed as the follower feeds it.
struct Fed {
  std::vector<Finding> found;
  Detector detector{{}, [this](const Finding& finding) { found.push_back(finding); }};
  std::mt19937_64 random{6};
  event::Values values;
  std::int64_t now = kBegin;

  void give(Whom whom) {
    values.stamp = static_cast<std::uint64_t>(now);
    detector.event({values, {}, 1, now, whom});
  }
  void execution(Whom whom, bool success) {
    values = {};
    values.kind = Kind::task_execution;
    values.set_flag(schema::field(Kind::task_execution, "outcome.success"), success);
    give(whom);
  }
  void status(Whom whom, const char* word) {
    values = {};
    values.kind = Kind::agent_status_change;
    values.set_text(schema::field(Kind::agent_status_change, "status"), std::string_view(word));
    give(whom);
  }
  void moment(std::uint64_t losses = 0, bool behind = false) { detector.moment({1, now, now, behind, losses, 0}); }
  // So many seconds of ten executions each.
  void seconds(Whom whom, int n, double bad_share) {
    std::bernoulli_distribution bad(bad_share);
    for (int i = 0; i < n; ++i) {
      for (int k = 0; k < 10; ++k) execution(whom, !bad(random));
      now += kSecond;
      moment();
    }
  }
  std::string saved() const {
    std::string all;
    detector.save([&all](std::string_view piece) { all += piece; });
    return all;
  }
};

constexpr Whom kSeven{7, 70};

}  // namespace

TEST_CASE("an agent that fails more is found within 30 s, and its recovery is") {
  Fed fed;
  fed.seconds(kSeven, 1800, 0.1);
  CHECK(fed.found.empty());
  const std::int64_t began = fed.now;
  fed.seconds(kSeven, 30, 0.6);
  REQUIRE(!fed.found.empty());
  const Finding& first = fed.found.front();
  CHECK(first.raised);
  CHECK(first.type == Type::error_rate_increase);
  CHECK(first.number == 7);
  CHECK(first.whole_agent);
  CHECK(first.detected_ns - began <= 30 * kSecond);
  CHECK(first.rise.since_ns - began <= 10 * kSecond);
  CHECK(first.rise.before.share() == doctest::Approx(0.1).epsilon(0.2));
  const std::size_t raised = fed.found.size();
  fed.seconds(kSeven, 60, 0.1);
  REQUIRE(fed.found.size() == 2 * raised);  // of the agent and of its only type of task
  CHECK_FALSE(fed.found.back().raised);
  CHECK(fed.found.back().resolution == "recovered");
}

TEST_CASE("steps of the clock, either way, raise nothing") {
  Fed fed;
  fed.seconds(kSeven, 1800, 0.1);
  for (const std::int64_t step : {86'400 * kSecond, -86'400 * kSecond, -7 * 86'400 * kSecond, 30 * 86'400 * kSecond}) {
    fed.now += step;
    fed.moment();
    fed.seconds(kSeven, 600, 0.1);
  }
  CHECK(fed.found.empty());
  fed.now -= 40 * 86'400 * kSecond;  // and what is wrong is seen all the same, within 30 s
  fed.seconds(kSeven, 30, 0.9);
  CHECK(!fed.found.empty());
}

TEST_CASE("what is found goes on behind a checkpoint, once") {
  Fed fed;
  fed.seconds(kSeven, 1800, 0.1);
  Fed before;
  REQUIRE(before.detector.load(fed.saved()));
  before.now = fed.now;
  before.random = fed.random;
  fed.seconds(kSeven, 30, 0.6);
  before.seconds(kSeven, 30, 0.6);
  REQUIRE(!fed.found.empty());
  REQUIRE(before.found.size() == fed.found.size());
  for (std::size_t i = 0; i < fed.found.size(); ++i) {
    CHECK(before.found[i].rise.since == fed.found[i].rise.since);
    CHECK(before.found[i].rise.since_ns == fed.found[i].rise.since_ns);
  }
  Fed after;
  REQUIRE(after.detector.load(fed.saved()));
  after.now = fed.now;
  after.seconds(kSeven, 60, 0.6);
  CHECK(after.found.empty());
  int open = 0;
  after.detector.each_open([&](std::uint32_t number, bool whole_agent, Type type) {
    CHECK(number == (whole_agent ? 7 : 70));
    CHECK(type == Type::error_rate_increase);
    ++open;
  });
  CHECK(open == static_cast<int>(fed.found.size()));
  after.seconds(kSeven, 60, 0.1);
  CHECK(after.found.size() == fed.found.size());
}

TEST_CASE("a checkpoint that is none is not loaded") {
  Fed fed;
  fed.seconds(kSeven, 100, 0.1);
  const std::string saved = fed.saved();
  Fed other;
  CHECK_FALSE(other.detector.load({}));
  CHECK_FALSE(other.detector.load(std::string_view(saved).substr(0, saved.size() - 1)));
  CHECK_FALSE(other.detector.load(saved + "x"));
  std::string changed = saved;
  changed[0] = static_cast<char>(changed[0] ^ 1);
  CHECK_FALSE(other.detector.load(changed));
  CHECK(other.detector.load(saved));
  CHECK(other.saved().size() == saved.size());
}

TEST_CASE("an agent that goes offline is told of at once, and once") {
  Fed fed;
  fed.status(kSeven, "busy");
  CHECK(fed.found.empty());
  fed.status(kSeven, "offline");
  fed.status(kSeven, "offline");
  REQUIRE(fed.found.size() == 1);
  CHECK(fed.found[0].type == Type::agent_offline);
  fed.status(kSeven, "available");
  REQUIRE(fed.found.size() == 2);
  CHECK_FALSE(fed.found[1].raised);
}

TEST_CASE("losses are told of while they go on, and not those of before") {
  Fed fed;
  fed.moment(1000);
  CHECK(fed.found.empty());
  fed.now += kSecond;
  fed.moment(1010);
  fed.now += kSecond;
  fed.moment(1020);
  REQUIRE(fed.found.size() == 1);
  CHECK(fed.found[0].type == Type::data_loss);
  CHECK(fed.found[0].rise.since.bad == 10);
  fed.now += 200 * kSecond;
  fed.moment(1020);
  CHECK(fed.found.size() == 1);
  fed.now += 200 * kSecond;
  fed.moment(1020);
  REQUIRE(fed.found.size() == 2);
  CHECK_FALSE(fed.found[1].raised);
}

TEST_CASE("who is forgotten is watched no more") {
  Fed fed;
  fed.seconds(kSeven, 100, 0.1);
  CHECK(fed.detector.charts() == 2);
  fed.detector.forgotten_series(70);
  fed.detector.forgotten_agent(7);
  CHECK(fed.detector.charts() == 0);
  fed.moment();
  fed.seconds(kSeven, 100, 0.9);  // another by the same number
  CHECK(fed.found.empty());
}
