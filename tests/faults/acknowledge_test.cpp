// A collector killed by SIGKILL after every single instruction of an acknowledgement: how many events have been delivered up to the
// position that stands there is never told wrong. It is what a state restored from a backup goes by.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <new>
#include <utility>

#include "shm/lane_reader.hpp"
#include "tests/crash/single_step.hpp"

using namespace arbiter;
using abi::Position;

TEST_CASE("killed at any instruction of an acknowledgement, a collector leaves a position and the count that belongs to it") {
  if (!test::SteppedChild::permitted()) {
    MESSAGE("not run: faults_acknowledge: processes may not be traced here");
    return;
  }
  void* const at = mmap(nullptr, sizeof(abi::LaneControl), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(at != MAP_FAILED);
  using State = std::pair<Position, std::uint64_t>;
  const State before{Position::at(0, 20), 7}, after{Position::at(1, 3), 19}, next{Position::at(1, 8), 23};
  auto* control = new (at) abi::LaneControl{};
  const auto lane = [&] { return LaneReader(*control, nullptr, abi::kLaneRecords); };
  const auto state = [&] { return State{lane().acknowledged(), lane().acknowledged_events()}; };
  const auto acknowledge = [&](const State& s) { lane().acknowledge(s.first, s.second); };
  const auto child = [&](test::SteppedChild::Inside& inside) { inside.stepped([&] { acknowledge(after); }); };
  const auto fresh = [&](bool first) {
    control = new (at) abi::LaneControl{};
    if (!first) acknowledge(before);
  };

  for (const bool first : {false, true}) {
    CAPTURE(first);
    const State none{};
    fresh(first);
    test::SteppedChild whole(child);
    whole.wait();
    const test::Way way = whole.walk();
    REQUIRE(way.size() > 4);
    fresh(first);
    test::SteppedChild learning(child);  // whether breakpoints stop it: where they do not, this one runs to its end
    learning.wait();
    static_cast<void>(learning.kill_after(1, way));
    std::size_t as_before = 0, as_after = 0;
    for (std::size_t k = 0; k < way.size(); ++k) {
      CAPTURE(k);
      fresh(first);
      test::SteppedChild killed(child);
      killed.wait();
      REQUIRE(killed.kill_after(k, way));
      const State left = state();
      CHECK((left == (first ? none : before) || left == after));
      ++(left == after ? as_after : as_before);
      acknowledge(after);  // the next collector, whose journal has it
      CHECK(state() == after);
      acknowledge(next);
      CHECK(state() == next);
    }
    CHECK(as_before > 1);
    CHECK(as_after > 0);
  }
  munmap(at, sizeof(abi::LaneControl));
}
