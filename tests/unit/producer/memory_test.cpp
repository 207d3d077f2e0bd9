// Memory that runs out while a process asks where its lanes are: it is told so by what it asked, or records nothing; the next who asks is
// served.
#include <doctest/doctest.h>
#include <unistd.h>

#include <arbiter/producer.hpp>
#include <cstdlib>
#include <string>

#include "producer/place.hpp"
#include "tests/unit/memory_refused.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using producer::Places;
using producer::places;
using test::refuse_each_allocation;

TEST_CASE("whichever allocation fails, places are all known or not at all") {
  const std::string instance(40, 'x');
  unsetenv("ARBITER_RING_DIR");
  const std::string privately = "/dev/shm/arbiter-" + std::to_string(geteuid());
  for (const char* runtime : {"/run/user/a-directory-of-some-length", "not absolute"}) {
    setenv("XDG_RUNTIME_DIR", runtime, 1);
    const std::string own = runtime[0] == '/' ? std::string(runtime) + "/arbiter" : privately;
    for (const bool named : {false, true}) {
      CAPTURE(named);
      const std::string suffix = named ? "-" + instance : "";
      Places p;
      const int failed = refuse_each_allocation([&] { p = places({.instance = named ? std::string_view(instance) : std::string_view()}); },
                                                [&] {
                                                  CHECK((p.system.lanes.empty() || p.system.lanes == "/run/arbiter" + suffix + "/lanes"));
                                                  CHECK((p.own.lanes.empty() || p.own.lanes == own + suffix + "/lanes"));
                                                  CHECK(p.own.lanes.empty() == p.system.lanes.empty());
                                                });
      CHECK(failed >= 10);
      CHECK(p.own.lanes == own + suffix + "/lanes");
    }
  }
  unsetenv("XDG_RUNTIME_DIR");
}

TEST_CASE("a producer that is made without memory records nothing, and one made later for the same place records") {
  const test::OwnDirectory directory;
  const std::string lanes = directory.lanes() + "/of-a-name-that-takes-an-allocation";
  const ThinkingBudgetUsage event{.task_id = "task-1", .tokens_used = 1};
  bool recorded = false;
  const int failed = refuse_each_allocation(
      [&] {
        Producer producer(ProducerOptions{.ring_dir = lanes});
        recorded = producer.record(event).recorded();
      },
      [] {});
  CHECK(failed >= 5);
  CHECK(recorded);
}
