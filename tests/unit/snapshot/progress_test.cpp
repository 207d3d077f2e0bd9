#include "collector/snapshot/progress.hpp"

#include <doctest/doctest.h>

#include "collector/snapshot/publish.hpp"
#include "tests/unit/snapshot/memory_view.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;

TEST_CASE("an export takes each event once in each stage, and says so while it goes on") {
  MemoryView view;
  for (std::uint64_t i = 0; i < 25; ++i) sample::add_run(view, i);
  snapshot::Progress progress;
  std::vector<std::uint64_t> seen;
  view.before_event = [&](std::uint64_t) { seen.push_back(progress.done); };
  const TemporaryDirectory directory;
  snapshot::ExportOptions options;
  options.directory = directory.string();
  options.progress = &progress;
  SUBCASE("with trajectories there are three") { options.formats = {"events.jsonl", "trajectories.jsonl"}; }
  SUBCASE("without, two") { options.formats = {"events.jsonl"}; }
  CHECK(progress.share() == 0);
  REQUIRE(snapshot::publish(view, options).has_value());
  REQUIRE(seen.size() == 100);
  CHECK(seen.front() == 0);
  CHECK(seen.back() == 99);
  CHECK(progress.events == 100);
  CHECK(progress.stages == options.formats.size() + 1);
  CHECK(progress.done == 100 * (options.formats.size() + 1));
  CHECK(progress.share() == 1);
  progress.end();
  CHECK(progress.share() == 0);
}

TEST_CASE("the share of an export that is under way lies between nothing and all, whatever it turns out to have to do") {
  snapshot::Progress progress;
  progress.begin(10, 2);
  for (int i = 0; i < 5; ++i) progress.step();
  CHECK(progress.share() == 0.25);
  progress.read_all(5);  // there were but five
  CHECK(progress.share() == 0.5);
  for (int i = 0; i < 20; ++i) progress.step();
  CHECK(progress.share() == 1);
}
