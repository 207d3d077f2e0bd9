// What one record call costs its caller: in bursts into an idle consumer, into a full lane, and when nothing is to be recorded.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "shm/event.hpp"
#include "tests/bench/bounds.hpp"
#include "tests/bench/exchange.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/arbiter.hpp"
#include "tests/bench/workload_in_c.hpp"

namespace arbiter::bench {
namespace {

constexpr double kBursts = 400;
constexpr int kCalls = 2'000'000;

std::uint64_t events_of(const Setting& setting) { return setting.count_of(kBursts) * exchange::kBurst; }

template <class Call>
double ns_per_call(int calls, Call&& call) {
  const std::uint64_t before = now_ns();
  for (int i = 0; i < calls; ++i) call(static_cast<std::uint64_t>(i));
  return static_cast<double>(now_ns() - before) / calls;
}

// The bytes of one event of that kind, as it lies in a lane.
template <class Event>
std::vector<std::byte> bytes_of(const Setting& setting) {
  Arbiter<Event, true> way(setting.memory);
  typename Arbiter<Event, true>::Producer producer(way);
  producer.send(1);
  std::vector<std::byte> buffer(256 * 1024), event;
  Lanes(way.lanes).each([&](LaneReader& lane, abi::Position&) {
    const LaneReader::Copied got = lane.copy({}, buffer);
    for (const auto bytes : EventWalk(std::span(buffer).first(got.bytes))) event.assign(bytes.begin(), bytes.end());  // the last
  });
  return event;
}

template <class Event>
Result<void> bursts(const Setting& setting, Report& report) {
  const std::string name(Event::kName);
  const bool typical = name == Typical::kName;
  const std::vector<std::byte> event = bytes_of<Event>(setting);
  const double bound = store_ns(event, events_of(setting), true);
  const auto seen = exchanged<Arbiter<Event, true>>(setting.memory, Manner::burst, events_of(setting));
  if (!seen) return seen.error();
  if (seen->lost != 0) return Error{"events were lost: " + std::to_string(seen->lost)};
  Row& cost = report.add("record", "record, burst", name, "ns", seen->ns_per_event);
  cost.note = std::to_string(event.size()) + " bytes";
  if (typical) cost.goal = 25;
  report.add("record", "stamp and store, burst", name, "ns", bound);
  Row& over = report.add("record", "record over stamp and store", name, "times", seen->ns_per_event / bound);
  if (typical) over.goal = 2;
  report.add("record", "record, first bursts", name, "ns", seen->warm_ns_per_event).note =
      "the first " + std::to_string(exchange::kWarmEvents) + ", while the lane grows";
  return {};
}

// The same events by the C interface, beside C++ in the same round.
template <class Event, class InC>
Result<void> in_c(const Setting& setting, Report& report) {
  const auto cpp = exchanged<Arbiter<Event, true>>(setting.memory, Manner::burst, events_of(setting));
  if (!cpp) return cpp.error();
  const auto c = exchanged<Arbiter<InC, true>>(setting.memory, Manner::burst, events_of(setting));
  if (!c) return c.error();
  const std::string name(InC::kName);
  report.add("record", "record in C, burst", name, "ns", c->ns_per_event);
  Row& over = report.add("record", "record in C over C++", name, "ns", c->ns_per_event - cpp->ns_per_event);
  if (name == KeptInC::kName) over.goal = 5;
  return {};
}

// Nobody reads: the lane fills, and then every call is a counted drop.
template <class Event>
Result<double> full(const Setting& setting) {
  Arbiter<Event, true> way(setting.memory);
  typename Arbiter<Event, true>::Producer producer(way);
  while (producer.send(0)) {
  }
  const Account before = producer.producer.account();
  const double ns = ns_per_call(kCalls, [&](std::uint64_t i) { producer.send(i); });
  const Account after = producer.producer.account();
  if (after.lane_full - before.lane_full != kCalls || after.attempted - before.attempted != kCalls)
    return Error{"the account of a full lane is off"};
  return ns;
}

[[gnu::noinline]] RecordResult empty_call(Producer&, const TaskExecution& event) noexcept {
  keep(event);
  return {};
}

TaskExecution event_of(std::uint64_t i) {
  return {.execution_id = kExecution,
          .task_id = kTask,
          .agent_id = kAgent,
          .outcome = {.success = true, .tokens_consumed = static_cast<std::uint32_t>(i)}};
}

double empty(const Setting& setting) {
  Producer producer({.ring_dir = new_directory(setting.memory)});
  return ns_per_call(kCalls, [&](std::uint64_t i) { keep(empty_call(producer, event_of(i))); });
}

Result<double> closed(Producer& producer, Status expected) {
  if (producer.record(event_of(0)).status() != expected) return Error{"the producer is not in the state that was to be measured"};
  return ns_per_call(kCalls, [&](std::uint64_t i) { keep(producer.record(event_of(i))); });
}

Result<double> paused(const Setting& setting) {
  Arbiter<Typical, true> way(setting.memory);
  std::ofstream(enabled_file(way.lanes)) << "0\n";
  Producer producer({.ring_dir = way.lanes});
  producer.attach_thread();
  Result<double> ns = closed(producer, Status::disabled);
  std::filesystem::remove(enabled_file(way.lanes));
  return ns;
}

Result<double> disabled(const Setting& setting) {
  setenv("ARBITER_DISABLE", "1", 1);
  Producer producer({.ring_dir = new_directory(setting.memory)});
  unsetenv("ARBITER_DISABLE");
  return closed(producer, Status::disabled);
}

// No directory, and none can be made: below a file. In a thread that has no lane elsewhere either: this one has one for each directory that
// it has measured with.
Result<double> without_lane(const Setting& setting) {
  std::ofstream(setting.memory + "/file") << "not a directory\n";
  Result<double> ns = 0.0;
  std::thread([&] {
    pin(0);
    Producer producer({.ring_dir = setting.memory + "/file/lanes"});
    ns = closed(producer, Status::dropped);
  }).join();
  return ns;
}

}  // namespace

Result<void> record(const Setting& setting, Report& report) {
  pin(0);
  for (const auto& measure : {bursts<Small>, bursts<Typical>, bursts<Handle>, bursts<Large>})
    if (auto done = measure(setting, report); !done) return done;
  for (const auto& measure :
       {in_c<Small, SmallInC>, in_c<Typical, TypicalInC>, in_c<Typical, KeptInC>, in_c<Handle, RunInC>, in_c<Large, LargeInC>})
    if (auto done = measure(setting, report); !done) return done;
  struct Named {
    std::string_view name;
    Result<double> (*measure)(const Setting&);
  };
  for (const auto& [name, measure] : {Named{Small::kName, full<Small>}, {Typical::kName, full<Typical>}, {Handle::kName, full<Handle>}}) {
    const Result<double> ns = measure(setting);
    if (!ns) return ns.error();
    report.add("record", "record into a full lane", std::string(name), "ns", *ns).goal = 10;
  }
  const double nothing = empty(setting);
  report.add("record", "empty call", "of the same signature", "ns", nothing);
  for (const auto& [name, measure] : {Named{"paused", paused}, {"disabled", disabled}, {"without a lane", without_lane}}) {
    const Result<double> ns = measure(setting);
    if (!ns) return ns.error();
    report.add("record", "record, nothing to record", std::string(name), "ns", *ns);
    report.add("record", "above an empty call", std::string(name), "ns", *ns - nothing).goal = 2;
  }
  return {};
}

}  // namespace arbiter::bench
