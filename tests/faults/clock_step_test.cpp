// A wall clock that is set: an hour back, a day on, while the collector runs and while it does not. Nothing is deleted for it, and no stamp
// goes backwards.
#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <thread>

#include "shm/event.hpp"
#include "shm/segment.hpp"
#include "tests/faults/agent.hpp"
#include "tests/faults/faults.hpp"

namespace arbiter::test {
namespace {

// Twelve hours are retained: of a day on, all would be out.
const std::string kConfig = std::string("{") + kNoAnonymization + R"(, "retention": {"max_age": "12h"}})";

std::uint64_t steps(Collector& collector) { return in_status(collector, {"clock", "steps"}); }

std::int64_t time_of(const json::object& event) {
  return static_cast<std::int64_t>(std::stoll(std::string(event.at("timestampNs").as_string())));
}

// Of one agent, in the order of its calls. Their times are their stamps.
std::vector<std::int64_t> stamps(Collector& collector) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> by_call;
  for (const json::object& event : read_lines(collector.snapshot() / "events.jsonl.zst"))
    by_call.emplace_back(event.at("data").as_object().at("n").to_number<std::uint64_t>(), time_of(event));
  std::sort(by_call.begin(), by_call.end());
  std::vector<std::int64_t> times;
  for (const auto& [n, time] : by_call) times.push_back(time);
  return times;
}

// The clocks are read ten times a second.
void let_the_clock_be_read() { std::this_thread::sleep_for(300ms * kPatience); }

bool never_backwards(const std::vector<std::int64_t>& times) { return std::is_sorted(times.begin(), times.end()); }

}  // namespace

TEST_CASE("a clock set a day on deletes nothing; events are stamped by it from then on, and a restart makes no difference") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, kConfig, calls.limits());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  REQUIRE(calls.clock_reads() > 0);
  std::uint64_t steps_of_this_run = 1;
  const auto restart = [&](bool kill) {
    if (kill)
      collector.kill();
    else
      REQUIRE(collector.stop() == 0);
  };
  SUBCASE("while it runs") {
    calls.step_clock(24h);
    CHECK(wait_until([&] { return steps(collector) == 1; }));
  }
  SUBCASE("while it runs, which is then killed at once") {
    calls.step_clock(24h);
    restart(true);
    collector.start();
  }
  SUBCASE("while it runs, which is then restarted") {
    calls.step_clock(24h);
    CHECK(wait_until([&] { return steps(collector) == 1; }));
    restart(false);
    collector.start();
    steps_of_this_run = 0;
  }
  SUBCASE("while it is stopped") {
    restart(false);
    calls.step_clock(24h);
    collector.start();
    CHECK(lines_with(collector, "the clock was set while no collector ran") == 1);
  }
  SUBCASE("while it is killed") {
    restart(true);
    calls.step_clock(24h);
    collector.start();
  }
  SUBCASE("and the machine is started anew after that") {
    calls.step_clock(24h);
    CHECK(wait_until([&] { return steps(collector) == 1; }));
    restart(false);
    const std::string saved = read_file(place.state() / "clock");
    const std::string boot = read_file("/proc/sys/kernel/random/boot_id").substr(0, 36);
    REQUIRE(saved.find(boot) != std::string::npos);
    std::ofstream(place.state() / "clock") << std::string(saved).replace(saved.find(boot), 36, "00000000-0000-0000-0000-000000000000");
    collector.start();
    steps_of_this_run = 0;
  }
  CHECK(steps(collector) == steps_of_this_run);
  agent.record(100);
  CHECK(collector.stats().at("retainedEvents") == 200);
  std::this_thread::sleep_for(1200ms);  // retention looks once a second
  check_account(collector, {&agent});
  const std::vector<std::int64_t> times = stamps(collector);
  REQUIRE(times.size() == 200);
  CHECK(never_backwards(times));
  constexpr std::int64_t kMinute = 60'000'000'000;
  CHECK(std::abs(times.front() - now_ns()) < kMinute);
  CHECK(std::abs(times.back() - calls.now_ns()) < kMinute);
  // The rest of its life a state like any other.
  restart(true);
  collector.start();
  CHECK(collector.stats().at("retainedEvents") == 200);
  CHECK(health(collector) == "ok");
}

TEST_CASE("a clock set an hour back makes no stamp go backwards, neither in this run nor in the next, and deletes nothing") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, kConfig, calls.limits());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  const std::int64_t before = now_ns();
  SUBCASE("while it runs") {
    calls.step_clock(-1h);
    CHECK(wait_until([&] { return steps(collector) == 1; }));
  }
  SUBCASE("while it is killed") {
    collector.kill();
    calls.step_clock(-1h);
    collector.start();
    CHECK(steps(collector) == 1);
  }
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 200);
  collector.kill();
  collector.start();
  agent.record(100);
  check_account(collector, {&agent});
  const std::vector<std::int64_t> times = stamps(collector);
  REQUIRE(times.size() == 300);
  CHECK(never_backwards(times));
  // It does not stand still either, for an hour: it runs a little slower.
  CHECK(times[100] >= before);
  CHECK(times[200] > times[199]);
  CHECK(times[299] < now_ns() + 1'000'000'000);
}

TEST_CASE("a clock set a day on and back again deletes nothing") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, kConfig, calls.limits());
  Agent agent(place.lanes());
  agent.record(100);
  REQUIRE(collector.stats().at("retainedEvents") == 100);
  for (const auto step : {24h, -24h, 24h}) {
    calls.step_clock(step);
    let_the_clock_be_read();
    agent.record(100);
    REQUIRE(collector.stats().at("retainedEvents") == agent.recorded());
  }
  collector.kill();
  calls.step_clock(-24h);
  collector.start();
  agent.record(100);
  std::this_thread::sleep_for(1200ms);
  check_account(collector, {&agent});
  CHECK(never_backwards(stamps(collector)));
}

TEST_CASE("a clock that is set, on or back, raises no alarm, and windows hold what was recorded before and after") {
  Place place;
  FaultCalls calls(place);
  Collector collector(place, kConfig, calls.limits());
  int n = 0;
  // A tenth of them fails, before and after.
  const auto work = [&](int executions, std::int64_t from_ns, std::int64_t step_ns) {
    std::string lines;
    for (int i = 0; i < executions; ++i, ++n)
      lines += event_line("task-execution", from_ns + i * step_ns,
                          R"({"taskId": "task-)" + std::to_string(n) + R"(", "agentId": "agent-7", "outcome": {"success": )" +
                              (n % 10 == 0 ? "false" : "true") + "}}");
    place.replay(place.write("work-" + std::to_string(n) + ".jsonl", lines));
  };
  const auto executions = [&](const char* window) {
    return collector.ask({"stats", "--window", window, "--agent", "agent-7"}).at("executions").at("count").to_number<int>();
  };
  constexpr std::int64_t kMinute = 60'000'000'000;
  work(1200, now_ns() - 70 * kMinute, kMinute / 20);
  REQUIRE(executions("24h") == 1200);
  std::chrono::nanoseconds set{0};
  for (const auto step : {std::chrono::hours(6), std::chrono::hours(-6), std::chrono::hours(-1)}) {
    calls.step_clock(step);
    set += step;
    let_the_clock_be_read();
    work(200, now_ns() + set.count(), 1000);
  }
  CHECK(executions("24h") == 1800);
  collector.kill();
  collector.start();
  CHECK(executions("24h") == 1800);
  std::this_thread::sleep_for(12s);  // what is found is judged every ten seconds
  const json::object anomalies = collector.ask({"anomalies"}).as_object();
  CHECK(anomalies.at("open").as_array().empty());
  CHECK(anomalies.at("resolved").as_array().empty());
}

TEST_CASE("a stamp over a minute ahead of the collector's clock is taken as now, counted, and holds up none behind it") {
  Place place;
  Collector collector(place, kConfig);
  auto segment = SegmentWriter::create(place.lanes(), false);
  REQUIRE(segment.has_value());
  auto claimed = segment->claim();
  REQUIRE(claimed.outcome == SegmentWriter::Claim::claimed);
  const auto put = [&](std::uint64_t stamp) {
    event::Values v;
    v.kind = Kind::thinking_budget_usage;
    v.sequence = claimed.writer.attempt();
    v.stamp = stamp;
    v.set_text(schema::field(Kind::thinking_budget_usage, "taskId"), std::string_view("task"));
    const std::uint32_t records = records_for(event::encoded_bytes(v));
    std::byte* const room = claimed.writer.reserve(records);
    REQUIRE(room != nullptr);
    event::encode(v, room);
    claimed.writer.publish(records);
  };
  const auto now = [&] { return ticks(segment->clock()); };
  put(now());
  put(now() * 2 + (std::uint64_t{1} << 40));  // some minutes at least, however short the machine has been up
  put(std::numeric_limits<std::uint64_t>::max());
  put(now());
  CHECK(collector.stats().at("retainedEvents") == 4);
  CHECK(in_status(collector, {"clock", "stampsClamped"}) == 2);
  std::vector<std::int64_t> times;
  for (const json::object& event : collector.events()) times.push_back(time_of(event));
  REQUIRE(times.size() == 4);
  CHECK(never_backwards(times));
  constexpr std::int64_t kSecond = 1'000'000'000;
  for (const std::int64_t time : times) CHECK(std::abs(time - now_ns()) < 10 * kSecond * kPatience);
}

}  // namespace arbiter::test
