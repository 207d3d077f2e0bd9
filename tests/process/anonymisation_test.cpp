// With anonymisation on, which is the default, no id of the input is anywhere on the disk; and who knows an id still finds what it names.
#include <doctest/doctest.h>

#include <set>

#include "tests/process/harness.hpp"
#include "tools/arbiter-replay/agent_run.hpp"
#include "tools/arbiter-replay/lines.hpp"

namespace arbiter::test {
namespace {

// Everything that is written below a directory, as one text: compressed files decompressed, journals dumped event by event.
std::string all_text_below(Place& place, const fs::path& directory) {
  std::string all;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    all += entry.path().filename().string() + "\n";
    all += read_file(entry.path());
    if (entry.path().extension() == ".zst") {
      const Ran plain = place.run("/usr/bin/zstd", {"-dcq", entry.path()});
      REQUIRE_MESSAGE(plain.exit == 0, plain.err);
      all += plain.out;
    }
  }
  return all;
}

}  // namespace

TEST_CASE("an anonymised run leaves no agent, run or task id of the input under the state and export directories") {
  Place place;
  const fs::path runs = place.sample(300);
  Collector collector(place);  // all defaults
  place.replay(runs, {"--processes", "2"});
  const fs::path snapshot = collector.snapshot();
  check_figures(collector.stats(), figures_of(runs));

  std::set<std::string> ids;
  std::string a_run;
  auto lines = replay::Lines::open(runs);
  while (lines->next().value()) {
    const auto run = replay::parse_agent_run(lines->line());
    a_run = run->run_id;
    for (const std::string& id : {run->run_id, run->task_id, run->agent_id}) ids.insert(id);
  }
  REQUIRE(ids.size() > 300);

  SUBCASE("while it runs") {}
  SUBCASE("after a clean stop, when the journal is sealed") { REQUIRE(collector.stop() == 0); }
  SUBCASE("after it was killed and has recovered") {
    collector.kill();
    collector.start();
    check_figures(collector.stats(), figures_of(runs));
  }

  std::string journal;
  for (const auto& entry : fs::recursive_directory_iterator(place.state())) {
    const Ran dump = place.run("arbiter-inspect", {"--events", entry.path()});
    if (dump.exit == 0) journal += dump.out;
  }
  CHECK(journal.find("task-execution") != std::string::npos);  // the dump does show events

  const std::string written = all_text_below(place, place.state()) + all_text_below(place, place.exports()) + journal;
  CHECK(written.find("anon-") != std::string::npos);
  for (const std::string& id : ids) CHECK_MESSAGE(written.find(id) == std::string::npos, id);

  if (!collector.running()) return;
  const json::value task = collector.ask({"task", a_run});
  CHECK(json::serialize(task).find("anon-") != std::string::npos);
  CHECK(json::serialize(task).find("task-execution") != std::string::npos);
  CHECK(collector.ctl({"task", "no-such-task"}).exit == 1);
}

}  // namespace arbiter::test
