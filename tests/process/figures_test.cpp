// Agent runs go in at one end, a training snapshot comes out at the other: the figures, to the event.
#include <doctest/doctest.h>

#include <set>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

// The snapshot of a place in which exactly these runs were recorded.
void check_snapshot(Place& place, const fs::path& snapshot, const Figures& expected) {
  const std::vector<json::object> events = read_lines(snapshot / "events.jsonl.zst");
  CHECK(events.size() == 4 * expected.runs);
  bool in_order = true;
  std::set<std::string> ids;
  std::string last_time;
  std::int64_t last_ns = INT64_MIN;
  for (const json::object& e : events) {
    const std::int64_t ns = std::stoll(std::string(e.at("timestampNs").as_string()));
    in_order &= ns >= last_ns;
    last_ns = ns;
    ids.insert(std::string(e.at("id").as_string()));
  }
  CHECK(in_order);
  CHECK(ids.size() == events.size());

  const std::vector<json::object> trajectories = read_lines(snapshot / "trajectories.jsonl.zst");
  CHECK(trajectories.size() == expected.runs);
  std::size_t done = 0, whole = 0;
  for (const json::object& t : trajectories) {
    done += t.at("done").as_bool() ? 1u : 0u;
    whole += t.at("events").as_array().size() == 4 ? 1u : 0u;
  }
  CHECK(done == expected.runs);
  CHECK(whole == expected.runs);

  const Ran sums = place.shell("cd " + snapshot.string() + " && sha256sum -c --strict SHA256SUMS");
  CHECK_MESSAGE(sums.exit == 0, sums.out << sums.err);
  const Ran verified = place.run("arbiterctl", {"verify", snapshot});
  CHECK_MESSAGE(verified.exit == 0, verified.out << verified.err);
}

void replay_and_check(const fs::path& runs, bool anonymized) {
  Place place;
  const Figures expected = figures_of(runs);
  Collector collector(place, anonymized ? std::string("{") + kNoRetention + "}" : plain_config());
  const json::object summary = place.replay(runs, {"--processes", "2"});
  CHECK(summary.at("recorded").to_number<std::uint64_t>() == 4 * expected.runs);
  check_figures(collector.stats(), expected);
  check_snapshot(place, collector.snapshot(), expected);
  CHECK(collector.stop() == 0);
}

}  // namespace

TEST_CASE("runs replayed by two processes give exactly their figures, in the statistics and in the snapshot") {
  Place inputs;
  replay_and_check(inputs.sample(500), false);
}

TEST_CASE("anonymised runs give the same figures") {
  Place inputs;
  replay_and_check(inputs.sample(500), true);
}

TEST_CASE("6,852 real agent runs give exactly the published figures") {
  const auto runs = real_runs("the figures of the real agent runs");
  if (!runs) return;
  const Figures expected = figures_of(*runs);
  CHECK(expected.runs == 6852);
  CHECK(expected.successes == 1977);
  CHECK(expected.mean_ms == doctest::Approx(1909195.405283129).epsilon(1e-15));
  replay_and_check(*runs, false);
}

}  // namespace arbiter::test
