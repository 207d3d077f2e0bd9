// What happens between producers and collector in a run: each passes labels that the others do not.
#include <signal.h>

#include <chrono>
#include <thread>
#include <utility>

#include "tests/crash/scene.hpp"

namespace arbiter::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSecondSlot = 30, kThirdSlot = 34;  // `mixed` uses those below

// A producer of many threads that is there before the collector, one that is killed, one that records while there is no collector.
void flow(Scene& scene, std::uint32_t heavy) {
  test::Process first = scene.producer("mixed", 0, heavy);
  scene.wait_for_stage(first, 1);
  scene.collector().start();
  scene.wait_for_end(first);

  test::Process second = scene.producer("endless", kSecondSlot, 100);
  scene.wait_for_stage(second, 1);
  scene.collector().ask("POST", "/v1/pause");
  scene.collector().ask("POST", "/v1/resume");
  std::this_thread::sleep_for(5ms);
  second.signal(SIGKILL);
  if (!second.wait()) throw Stuck("a producer does not die");
  scene.collector().stop();

  test::Process third = scene.producer("short", kThirdSlot, 150);
  scene.wait_for_end(third);
  scene.collector().start();
  scene.flush();
}

void light_flow(Scene& scene) { flow(scene, 60); }
void overflow(Scene& scene) { flow(scene, 0); }

// A lane that says something and then nothing, while others fill the journal until retention lets go of what it said.
void quiet_lane(Scene& scene) {
  test::Process quiet = scene.producer("quiet", kSecondSlot, 20);
  scene.wait_for_stage(quiet, 1);
  scene.collector().start();
  scene.flush();
  test::Process busy = scene.producer("short", kHeavySlot, 150);
  scene.wait_for_end(busy);
  for (int i = 0; i < 3; ++i) scene.flush();
  scene.collector().stop();  // so that it is sealed, however busy the machine is, before it is let go
  scene.collector().start();
  test::Process more = scene.producer("short", kThirdSlot, 150);
  scene.wait_for_end(more);
  for (int i = 0; i < 3; ++i) scene.flush();
  scene.collector().stop();
  scene.collector().start();
  scene.flush();
  quiet.signal(SIGKILL);
  if (!quiet.wait()) throw Stuck("a producer does not die");
}

// The store is made smaller while recycled files lie in wait: they are what goes first. It is asked for again after a kill, since what is
// set at run time ends with the process.
void shrunk(Scene& scene) {
  test::Process busy = scene.producer("short", kHeavySlot, 150);
  scene.wait_for_end(busy);
  scene.collector().start();
  scene.flush();
  scene.collector().stop();  // seals what is full, so that there are recycled files, whichever thread is faster
  if (scene.spares() == 0) throw Stuck("no file was recycled");
  scene.collector().start();
  while (scene.spares() != 0) {
    scene.collector().ask("PATCH", "/v1/config", R"({"retention": {"max_bytes": "2MiB"}})");
    scene.flush();
  }
}

// Everything is forgotten in the middle, or nothing; what comes after it stays.
void clear_what_there_is(Scene& scene) {
  const std::uint64_t all = scene.collector().ask("GET", "/v1/stats").at("retainedEvents").to_number<std::uint64_t>();
  while (!scene.collector().try_ask("DELETE", "/v1/data")) {
    const auto stats = scene.collector().ask("GET", "/v1/stats");
    const auto left = stats.at("retainedEvents").to_number<std::uint64_t>();
    if (left != 0 && left != all) throw Stuck("a clear that was killed left " + std::to_string(left) + " of " + std::to_string(all));
  }
}

void clear(Scene& scene) {
  bool started = false;
  for (const std::uint32_t slot : {kHeavySlot, kSecondSlot, kThirdSlot}) {
    test::Process producer = scene.producer("short", slot, 60);
    scene.wait_for_end(producer);
    if (!std::exchange(started, true)) scene.collector().start();
    scene.flush();
    if (slot != kThirdSlot) clear_what_there_is(scene);
  }
}

// A snapshot after the other, of which one is kept.
void snapshots(Scene& scene) {
  test::Process one = scene.producer("short", kSecondSlot, 100);
  scene.wait_for_end(one);
  scene.collector().start();
  for (int i = 0; i < 5; ++i) scene.export_now();
}

// Somebody removes the file of a lane that is full.
void wiped(Scene& scene) {
  test::Process one = scene.producer("wiped", kHeavySlot, 5);
  scene.wait_for_stage(one, 1);
  scene.wipe_lanes();
  scene.wait_for_end(one);
  scene.collector().start();
  scene.flush();
}

// A producer whose lanes no library would have written.
void quarantine(Scene& scene) {
  test::Process hostile = scene.producer("hostile", kSecondSlot, 100);
  scene.wait_for_end(hostile);
  scene.collector().start();
  scene.flush();
}

// Frames of one event each, from the tenth on all of one length, 23 to a segment: those of a recycled file lie where the next ones will.
// Each segment is sealed, and lies in wait, before the one behind it is full, however busy the machine is.
void paced(Scene& scene) {
  constexpr std::uint32_t kCalls = 100, kInSecondSegment = 40, kInThirdSegment = 60;
  test::Process one = scene.producer("paced", kEvenSlot, kCalls);
  scene.collector().start();
  const Slot& slot = scene.ledger().slots[kEvenSlot];
  for (std::uint32_t n = 1; n <= kCalls; ++n) {
    scene.ledger().stage.store(n, std::memory_order_release);
    while (slot.ended.load(std::memory_order_acquire) < n && one.running()) std::this_thread::sleep_for(50us);
    scene.flush();
    if ((n == kInSecondSegment || n == kInThirdSegment) && one.running()) scene.wait_for_spare();
  }
  scene.wait_for_end(one);
}

std::string at_most(const std::string& events, const std::string& bytes) {
  return R"({"max_age": null, "max_events": )" + events + R"(, "max_bytes": )" + bytes + "}";
}

}  // namespace

const std::vector<Scenario>& scenarios() {
  using Kept = Expected::Kept;
  static const std::vector<Scenario> all{
      {"flow", light_flow, {}},
      {"overflow", overflow, {}},
      {"newest", quiet_lane, {Kept::newest, 200}, at_most("200", "null")},
      {"bytes", quiet_lane, {Kept::suffix}, at_most("null", "\"3MiB\"")},
      {"shrunk", shrunk, {Kept::suffix}},
      {"clear", clear, {Kept::since, kThirdSlot}},
      {"snapshots", snapshots, {}},
      {"wiped", wiped, {Kept::after_wipe}},
      {"quarantine", quarantine, {Kept::all, 0, 4}},
      {"paced", paced, {}},
  };
  return all;
}

const Scenario& scenario(const std::string& name) {
  for (const Scenario& s : scenarios())
    if (name == s.name) return s;
  throw Stuck("there is no scenario " + name);
}

}  // namespace arbiter::crash
