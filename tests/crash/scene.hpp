// One run: real producers and a real collector in directories of their own, killed as ordered, and what is found at the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/judge.hpp"
#include "tests/crash/killed_collector.hpp"

namespace arbiter::crash {

class Scene;

struct Scenario {
  const char* name;
  void (*play)(Scene& scene);
  Expected expected;
  std::string retention = "{\"max_age\": null, \"max_events\": null, \"max_bytes\": null}";
};
const std::vector<Scenario>& scenarios();
const Scenario& scenario(const std::string& name);

struct Run {
  const Scenario* scenario = nullptr;
  std::vector<std::string> collector_orders;  // "label:n", one after the other
  std::string producer_order;                 // of the first producer
  std::string wrong;                          // order of steps that is to be wrong: ARBITER_WRONG
};

struct Outcome {
  Verdict verdict;
  std::size_t collector_killed = 0;  // as ordered
  bool producer_killed = false;
  std::string stuck;                              // the test could not go on, and why: there is no verdict
  std::map<std::string, std::uint64_t> passings;  // by label: the most of any process that ended by itself
  double seconds = 0;
};

Outcome play(const Run& run);

// What scenarios are made of.
class Scene {
 public:
  Scene(test::Place& place, const Run& run);

  Ledger& ledger() { return ledger_; }
  KilledCollector& collector() { return collector_; }
  test::Process producer(const std::string& mode, std::uint32_t slot, std::uint32_t calls);
  void wait_for_stage(test::Process& producer, std::uint32_t stage);  // or its end
  void wait_for_end(test::Process& producer);                         // by itself, or as ordered
  void export_now() { collector_.ask("POST", "/v1/export", "{\"formats\":[\"jsonl\"]}"); }
  void wipe_lanes() const;     // every file of theirs, as somebody might who cleans up a tmpfs
  std::size_t spares() const;  // recycled files of the journal that wait for their next use
  void wait_for_spare();       // throws Stuck where there is none for long
  void flush() { collector_.ask("POST", "/v1/flush"); }

  Found find();  // the last thing: closes what can be closed, and reads everything
  bool producer_killed() const { return producer_killed_; }
  std::map<std::string, std::uint64_t> passings() const;

 private:
  test::Place& place_;
  const Run& run_;
  Ledger& ledger_;
  test::Environment environment_;
  KilledCollector collector_;
  bool first_ = true, producer_killed_ = false;
};

}  // namespace arbiter::crash
