// A collector that a program runs for itself: it lasts as long as its standard input is open, and leaves nothing.
#include <doctest/doctest.h>

#include <string>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

const std::string kCollector = std::string(ARBITER_BIN_DIR) + "/arbiter-collector";

// A collector on `directory` whose standard input is the end of a pipe that `sleep` holds open.
std::string command(const fs::path& directory, const std::string& holder) {
  return holder + " | " + kCollector + " --embedded " + directory.string();
}

}  // namespace

TEST_CASE("an embedded collector collects until its standard input is closed, and takes its directory with it") {
  Place place;
  const fs::path directory = place.root() / "own";
  fs::create_directory(directory);
  fs::permissions(directory, fs::perms::owner_all);
  fs::create_directory(directory / "lanes");
  place.write("own/collector.json", plain_config(R"("log": {"level": "error"})"));
  Process collector({"/bin/sh", "-c", command(directory, "while [ ! -e " + (place.root() / "enough").string() + " ]; do sleep 0.05; done")},
                    {}, place.root() / "out", place.root() / "err");
  REQUIRE(wait_until([&] { return fs::exists(directory / "control.sock"); }));
  const Ran replayed = place.run("arbiter-replay", {"--input", place.sample(10).string()}, {{"ARBITER_RING_DIR", directory / "lanes"}});
  CHECK_MESSAGE(replayed.exit == 0, replayed.err);
  const Ran stats = place.run("arbiterctl", {"--socket", (directory / "control.sock").string(), "--json", "stats"});
  CHECK(json::parse(stats.out).at("totalTaskExecutions") == 10);
  place.write("enough", "");
  CHECK(collector.wait() == 0);
  CHECK_FALSE(fs::exists(directory));
  CHECK(read_file(place.root() / "err").empty());
}

TEST_CASE("after a signal the directory stays, and the next collector goes on with what is in it") {
  Place place;
  const fs::path directory = place.root() / "own";
  const std::string stops = "{ until [ -e " + (directory / "control.sock").string() + " ]; do sleep 0.05; done; pid=$(cat " +
                            (directory / "state/lock").string() + "); kill -TERM $pid; while kill -0 $pid 2>&-; do sleep 0.05; done; }";
  const Ran stopped = place.shell(command(directory, stops));
  CHECK_MESSAGE(stopped.exit == 0, stopped.err);
  CHECK(fs::exists(directory / "state/journal"));
  const Ran closed = place.shell(command(directory, ":"));
  CHECK_MESSAGE(closed.exit == 0, closed.err);
  CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("an embedded collector refuses a directory with anything else in it, and options that name places") {
  Place place;
  const fs::path directory = place.root() / "used";
  fs::create_directory(directory);
  place.write("used/thesis.txt", "years of work");
  const Ran refused = place.shell(command(directory, ":"));
  CHECK(refused.exit == 1);
  CHECK(refused.err == "arbiter-collector: " + directory.string() +
                           ": holds thesis.txt, and would be removed with it: name a directory that is empty or missing\n");
  CHECK(read_file(directory / "thesis.txt") == "years of work");
  const Ran usage = place.shell(command(place.root() / "own", ":") + " --state-dir /elsewhere");
  CHECK(usage.exit == 2);
  CHECK_FALSE(fs::exists(place.root() / "own"));
}

}  // namespace arbiter::test
