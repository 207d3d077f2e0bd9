// The example agents, while the collector comes and goes: none notices, and nothing is lost that the account does not say.
#include <doctest/doctest.h>
#include <signal.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

// Those of C and C++, and those of Python where there is one, over ctypes and by the accelerator.
struct Agent {
  std::string program;
  Environment environment{};
};
std::vector<Agent> agents_there_are() {
  std::vector<Agent> all{{"example_agent_c"}, {"example_agent_cpp"}};
#ifdef ARBITER_PYTHON_PACKAGE
  for (const char* implementation : {"ctypes", "native"}) {
    if (implementation == std::string("native") && !fs::exists(ARBITER_PYTHON_PACKAGE "/arbiter/_native.abi3.so")) continue;
    all.push_back(
        {ARBITER_SOURCE_DIR "/tools/examples/agent.py",
         {{"PYTHONPATH", ARBITER_PYTHON_PACKAGE}, {"ARBITER_LIBRARY", ARBITER_LIBRARY_PATH}, {"ARBITER_PYTHON", implementation}}});
  }
#endif
  return all;
}
const std::vector<Agent> kAgents = agents_there_are();

// What an agent says of itself at its end.
struct Said {
  unsigned long long attempted = 0, recorded = 0, dropped = 0;
  char collected[8] = {};
};
Said parse(const std::string& out) {
  Said said;
  REQUIRE_MESSAGE(std::sscanf(out.c_str(), "attempted %llu recorded %llu dropped %llu collected %7s", &said.attempted, &said.recorded,
                              &said.dropped, said.collected) == 4,
                  out);
  return said;
}

}  // namespace

TEST_CASE("agents do not notice that the collector starts late, is stopped, started, killed, restarted and held up, and lose nothing") {
  constexpr std::uint64_t kTasks = 4'000 * kPatience;
  Place place;
  std::vector<Process> agents;
  for (const Agent& agent : kAgents) agents.push_back(place.start(agent.program, {std::to_string(kTasks), "2000"}, agent.environment));
  const auto a_while = [&] {
    std::this_thread::sleep_for(300ms);
    for (Process& agent : agents) REQUIRE(agent.running());
  };
  a_while();
  Collector collector(place, plain_config());  // late
  a_while();
  REQUIRE(collector.stop() == 0);
  a_while();
  collector.start();
  a_while();
  collector.kill();
  a_while();
  collector.start();
  a_while();
  ::kill(collector.pid(), SIGSTOP);
  a_while();
  ::kill(collector.pid(), SIGCONT);
  a_while();
  for (std::size_t i = 0; i < agents.size(); ++i) {
    CAPTURE(kAgents[i].program);
    CHECK(agents[i].wait() == 0);
    const Said said = parse(read_file(place.root() / ("out." + std::to_string(i + 1))));
    CHECK(said.attempted == 3 * kTasks);
    CHECK(said.recorded == 3 * kTasks);
    CHECK(said.dropped == 0);
    CHECK(std::string(said.collected) == "yes");
    CHECK(read_file(place.root() / ("err." + std::to_string(i + 1))).empty());
  }
  const json::object stats = collector.stats();
  CHECK(stats.at("totalRoutingDecisions") == agents.size() * kTasks);
  CHECK(stats.at("totalTaskExecutions") == agents.size() * kTasks);
  CHECK(stats.at("overallSuccessRate") == 0.8);
  CHECK(stats.at("retainedEvents") == agents.size() * 3 * kTasks);
  CHECK(sum_of(stats.at("losses")) == 0);
}

TEST_CASE("an agent that nobody collects loses what does not fit, and a collector that comes afterwards says exactly how much") {
  for (const Agent& agent : kAgents) {
    CAPTURE(agent.program);
    Place place;
    const Ran ran = place.run(agent.program, {"40000", "0"}, agent.environment);
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    const Said said = parse(ran.out);
    CHECK(said.attempted == 120'000);
    CHECK(said.dropped > 0);
    CHECK(said.recorded == said.attempted - said.dropped);
    CHECK(std::string(said.collected) == "no");
    Collector collector(place, plain_config());
    CHECK(wait_until([&] { return collector.stats().at("retainedEvents") == said.recorded; }));
    const json::object losses = collector.stats().at("losses").as_object();
    CHECK(losses.at("dropped") == said.dropped);
    CHECK(losses.at("droppedByReason").at("laneFull") == said.dropped);
    CHECK(losses.at("refused") == 0);
  }
}

}  // namespace arbiter::test
