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

// Of a name this short, or with no more than this behind a word that is kept (the task's type), the bytes may stand in any file by chance:
// it is looked for as a whole JSON value.
constexpr std::size_t kShortName = 6;

struct Ids {
  std::set<std::string> all;     // of agents, runs and tasks
  std::set<std::string> quoted;  // of those: looked for as whole values
  std::string a_run;
};

Ids ids_of(const fs::path& runs) {
  Ids ids;
  auto lines = replay::Lines::open(runs);
  while (lines->next().value()) {
    const auto run = replay::parse_agent_run(lines->line());
    ids.a_run = run->run_id;
    for (const std::string& id : {run->run_id, run->task_id, run->agent_id}) {
      ids.all.insert(id);
      if (id.size() < kShortName + (id.starts_with(run->task_family) ? run->task_family.size() : 0)) ids.quoted.insert(id);
    }
  }
  return ids;
}

// Everything that is on the disk: files as they are, archives decompressed, journals event by event.
fs::path written_in(Place& place) {
  std::string journal;
  for (const auto& entry : fs::recursive_directory_iterator(place.state())) {
    const Ran dump = place.run("arbiter-inspect", {"--events", entry.path()});
    if (dump.exit == 0) journal += dump.out;
  }
  CHECK(journal.find("task-execution") != std::string::npos);  // the dump does show events
  return place.write("written", all_text_below(place, place.state()) + all_text_below(place, place.exports()) + journal);
}

void check_has_none_of(Place& place, const fs::path& written, const Ids& ids) {
  std::string patterns;
  for (const std::string& id : ids.all) patterns += (ids.quoted.contains(id) ? '"' + id + '"' : id) + '\n';
  const std::string search = "LC_ALL=C grep -aoFf " + place.write("patterns", patterns).string() + " " + written.string() + " | sort -u";
  CHECK(place.shell(search).out == "");
  place.write("planted", patterns);  // and the search would have found every one of them
  const Ran all = place.shell("cd " + place.root().string() + " && LC_ALL=C grep -aoFf patterns planted | sort -u | wc -l");
  CHECK(std::stoul(all.out) == ids.all.size());
  CHECK(place.shell("grep -ac anon- " + written.string()).exit == 0);
}

}  // namespace

TEST_CASE("an anonymised run leaves no agent, run or task id of the input under the state and export directories") {
  Place place;
  const fs::path runs = place.sample(300);
  Collector collector(place);  // all defaults
  place.replay(runs, {"--processes", "2"});
  collector.snapshot();
  check_figures(collector.stats(), figures_of(runs));
  const Ids ids = ids_of(runs);
  REQUIRE(ids.all.size() > 300);

  SUBCASE("while it runs") {}
  SUBCASE("after a clean stop, when the journal is sealed") { REQUIRE(collector.stop() == 0); }
  SUBCASE("after it was killed and has recovered") {
    collector.kill();
    collector.start();
    check_figures(collector.stats(), figures_of(runs));
  }
  check_has_none_of(place, written_in(place), ids);

  if (!collector.running()) return;
  const json::value task = collector.ask({"task", ids.a_run});
  CHECK(json::serialize(task).find("anon-") != std::string::npos);
  CHECK(json::serialize(task).find("task-execution") != std::string::npos);
  CHECK(collector.ctl({"task", "no-such-task"}).exit == 1);
}

TEST_CASE("6,852 real agent runs leave none of their ids either, give the same figures, and are found by their ids") {
  const auto runs = real_runs("the anonymised real agent runs");
  if (!runs) return;
  Place place;
  Collector collector(place, std::string("{") + kNoRetention + "}");
  place.replay(*runs, {"--processes", "2"});
  check_figures(collector.stats(), figures_of(*runs));
  const Ids ids = ids_of(*runs);
  REQUIRE(ids.all.size() > 6852);
  const json::value task = collector.ask({"task", ids.a_run});
  CHECK(json::serialize(task).find("task-execution") != std::string::npos);
  collector.snapshot();
  REQUIRE(collector.stop() == 0);
  check_has_none_of(place, written_in(place), ids);
}

}  // namespace arbiter::test
