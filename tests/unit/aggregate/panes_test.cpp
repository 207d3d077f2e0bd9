#include "collector/aggregate/panes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "collector/aggregate/figures.hpp"
#include "collector/journal/totals.hpp"

using namespace arbiter;
using aggregate::Panes;
using aggregate::Profile;
using aggregate::Window;
using schema::field;

namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMinute = 60'000'000'000, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr std::int64_t kNow = 20'000 * kDay + 13 * kHour + 7 * kMinute + 30'000'000'000;  // 13:07:30

const std::vector<Window> kWindows = {{"5m", 5min, 1min}, {"1h", 1h, 15min}, {"24h", 24h, 4h}, {"7d", 168h, 24h}};

// What a follower does, without a journal.
struct Stream {
  Panes panes{kWindows};
  aggregate::Roster roster{1000};
  std::int64_t now = kNow;

  Stream() { moment(kNow); }
  void moment(std::int64_t at) {
    now = at;
    panes.moment({1, at, at, false, 0, 0});
  }
  void execution(std::int64_t time_ns, std::string_view agent, std::string_view type, bool success, std::int64_t duration_ns) {
    event::Values v;
    v.kind = Kind::task_execution;
    v.stamp = static_cast<std::uint64_t>(time_ns);
    v.set_text(field(Kind::task_execution, "agentId"), agent);
    v.set_text(field(Kind::task_execution, "taskId"), std::string_view("task"));
    v.set_text(field(Kind::task_execution, "taskType"), type);
    v.set_flag(journal::field::kSuccess, success);
    v.set_real(field(Kind::task_execution, "outcome.qualityScore"), 0.25);
    if (duration_ns >= 0) v.set_time(journal::field::kStarted, time_ns - duration_ns);
    give(v, time_ns);
  }
  void status(std::int64_t time_ns, std::string_view agent, std::string_view status) {
    event::Values v;
    v.kind = Kind::agent_status_change;
    v.stamp = static_cast<std::uint64_t>(time_ns);
    v.set_text(field(Kind::agent_status_change, "agentId"), agent);
    v.set_text(field(Kind::agent_status_change, "status"), status);
    give(v, time_ns);
  }
  void give(const event::Values& v, std::int64_t time_ns) { panes.event({v, {}, 1, time_ns, roster.whom(v, time_ns)}); }
  Profile all(std::string_view window) const { return panes.of_all(*panes.find(window), now); }
  Profile of(std::string_view window, std::string_view agent, std::optional<event::Text> type = {}) const {
    return aggregate::profile_of(roster, panes, event::Text(agent), type, *panes.find(window), now);
  }
  std::string saved() const {
    std::string bytes;
    panes.save([&](std::string_view piece) { bytes += piece; });
    return bytes;
  }
};

}  // namespace

TEST_CASE("each window counts the events that lie in it by their own time, in whatever order they come, and slides by whole slides") {
  struct Made {
    std::int64_t time_ns, duration_ns;
    bool success;
    int agent, type;
  };
  std::mt19937_64 random(7);
  std::vector<Made> made;
  for (int i = 0; i < 20'000; ++i) {
    const double back = std::exp(std::uniform_real_distribution<>(0, std::log(9.0 * kDay))(random));  // as many in minutes as in days
    made.push_back({kNow - static_cast<std::int64_t>(back), std::int64_t{1} << std::uniform_int_distribution<>(0, 40)(random),
                    random() % 3 == 0, static_cast<int>(random() % 5), static_cast<int>(random() % 4)});
  }
  Stream stream;
  std::vector<Made> known;
  const auto check = [&] {
    for (const Window& window : kWindows) {
      CAPTURE(window.name);
      const std::int64_t from = stream.now / window.slide.count() * window.slide.count() + window.slide.count() - window.length.count();
      const auto count = [&](auto which) {
        return static_cast<std::uint64_t>(
            std::count_if(known.begin(), known.end(), [&](const Made& m) { return m.time_ns >= from && which(m); }));
      };
      const Profile all = stream.all(window.name);
      CHECK(all.successes.of == count([](const Made&) { return true; }));
      CHECK(all.successes.yes == count([](const Made& m) { return m.success; }));
      CHECK(all.quality.sum == 0.25 * static_cast<double>(all.quality.count));
      const Profile one = stream.of(window.name, "agent-2", event::Text("type-1"));
      CHECK(one.successes.of == count([](const Made& m) { return m.agent == 2 && m.type == 1; }));
      CHECK(stream.of(window.name, "agent-2").successes.of == count([](const Made& m) { return m.agent == 2; }));
      std::vector<std::uint64_t> durations;
      for (const Made& m : known)
        if (m.time_ns >= from) durations.push_back(static_cast<std::uint64_t>(m.duration_ns));
      std::sort(durations.begin(), durations.end());
      for (const double q : {0.5, 0.95, 0.99})
        if (!durations.empty()) {
          const auto exact =
              static_cast<double>(durations[static_cast<std::size_t>(std::ceil(q * static_cast<double>(durations.size()))) - 1]);
          CHECK(std::abs(*all.latency_ns.quantile(q) - exact) <= aggregate::Histogram::kRelativeError * exact);
        }
    }
  };
  for (std::size_t i = 0; i < made.size(); ++i) {
    stream.execution(made[i].time_ns, "agent-" + std::to_string(made[i].agent), "type-" + std::to_string(made[i].type), made[i].success,
                     made[i].duration_ns);
    known.push_back(made[i]);
    if (i % 5000 == 4999) check();
  }
  for (const std::int64_t later : {kMinute, 20 * kMinute, 5 * kHour, kDay, 3 * kDay}) {
    stream.moment(kNow + later);
    check();
  }
  stream.moment(kNow + 8 * kDay);
  CHECK(stream.all("7d").events == 0);
  CHECK(stream.panes.counts().panes == 0);
  CHECK(stream.panes.counts().grains == 0);
}

TEST_CASE("what is saved in the middle of a window and loaded again goes on as if nothing had happened") {
  Stream whole, broken;
  const auto each = [](Stream& stream, int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::int64_t time = kNow + i * 1'700'000'000LL;
      if (i % 100 == 0) stream.moment(time);
      stream.execution(time - (i % 7) * kHour, i % 3 == 0 ? "a" : "b", i % 2 == 0 ? "fix" : "review", i % 5 != 0, i * 1000);
      if (i % 50 == 0) stream.status(time, "a", i % 100 == 0 ? "offline" : "available");
    }
  };
  each(whole, 0, 3000);
  each(broken, 0, 1234);
  const std::string bytes = broken.saved();
  Panes loaded(kWindows);
  REQUIRE(loaded.load(bytes));
  Stream resumed;
  resumed.roster = broken.roster;
  REQUIRE(resumed.panes.load(bytes));
  each(resumed, 1234, 3000);
  CHECK(resumed.saved() == whole.saved());
  CHECK(resumed.all("24h").successes.of == 3000);

  for (std::size_t size = 0; size < bytes.size(); size += 97) CHECK_FALSE(loaded.load(std::string_view(bytes).substr(0, size)));
  Panes others({{"5m", 5min, 1min}, {"2h", 2h, 30min}});
  CHECK_FALSE(others.load(bytes));
}

TEST_CASE("a late start adds its duration to the pane in which its execution lies") {
  Stream stream;
  stream.execution(kNow - 3 * kHour, "a", "fix", true, -1);
  stream.moment(kNow + kMinute);
  CHECK(stream.all("24h").latency_ns.count() == 0);
  event::Values v;
  const aggregate::Whom whom{stream.roster.find(event::Text("a")), stream.roster.agent(stream.roster.find(event::Text("a"))).series[0]};
  stream.panes.completed({whom, kNow - 3 * kHour, 5'000'000, 2});
  CHECK(stream.all("24h").latency_ns.count() == 1);
  CHECK(stream.all("24h").latency_sum_ns == 5'000'000);
  CHECK(stream.of("24h", "a").latency_sum_ns == 5'000'000);
  CHECK(stream.all("1h").latency_ns.count() == 0);
}

TEST_CASE("an agent's availability in a window starts with what it was before") {
  Stream stream;
  stream.status(kNow - 10 * kDay, "a", "available");
  stream.status(kNow - 2 * kHour, "a", "offline");
  stream.status(kNow - kHour, "a", "available");
  stream.moment(kNow + kMinute);
  const Window& day = *stream.panes.find("24h");
  const auto seen = stream.panes.availability(stream.roster.find(event::Text("a")), stream.panes.span(day, stream.now), stream.now);
  REQUIRE(seen);
  CHECK(seen->down_ns == kHour);
  CHECK(seen->failures == 1);
  CHECK(*seen->to_recover_s() == 3600);
  CHECK(seen->up_ns == stream.now - stream.panes.span(day, stream.now).from_ns - kHour);
  CHECK_FALSE(stream.panes.availability(77, stream.panes.span(day, stream.now), stream.now));
}

TEST_CASE("trends have a point for each step of a window in which there was something") {
  Stream stream;
  for (int hour = 0; hour < 100; ++hour)
    stream.execution(kNow - hour * kHour, "a", hour % 2 == 0 ? "fix" : "review", true, (200 - hour) * 1'000'000);
  const std::uint32_t agent = stream.roster.find(event::Text("a"));
  const auto trends =
      aggregate::trends_of(stream.panes.points(agent, stream.roster.agent(agent).series, *stream.panes.find("7d"), stream.now));
  CHECK(trends[0].points.size() == 100);
  REQUIRE(trends[0].trend);
  CHECK(trends[0].trend->per_hour == doctest::Approx(1).epsilon(1e-6));
  CHECK(trends[0].trend->sign == 1);
  CHECK(trends[1].trend->sign == 0);
  const auto hour =
      aggregate::trends_of(stream.panes.points(agent, stream.roster.agent(agent).series, *stream.panes.find("1h"), stream.now));
  CHECK(hour[0].points.size() == 1);
  CHECK_FALSE(hour[0].trend);
}

TEST_CASE("the history of everybody has the slides of the next shorter window") {
  Stream stream;
  for (int i = 0; i < 48 * 60; ++i) stream.execution(kNow - i * kMinute, "a", "fix", i % 2 == 0, 1'000'000);
  stream.moment(kNow + kMinute);
  stream.execution(kNow + kMinute, "b", "fix", true, 1'000'000);
  const auto steps = stream.panes.history(*stream.panes.find("24h"), stream.now);
  CHECK(steps.size() == 21 * 4 + 1);  // from 16:00 to 13:15 of the next day: the 24 h begin with a slide
  std::uint64_t all = 0;
  for (const auto& step : steps) {
    CHECK(step.to_ns - step.from_ns == 15 * kMinute);
    all += step.profile.events;
  }
  CHECK(all == stream.all("24h").events);
}

TEST_CASE("a profile packs into few bytes and comes back whole") {
  Stream stream;
  for (int i = 0; i < 1000; ++i) stream.execution(kNow, "a", "fix", i % 3 == 0, 1'000'000 + i * 1000);
  const Profile profile = stream.all("5m");
  std::string packed;
  profile.pack(packed);
  CHECK(packed.size() < 200);
  Profile twice;
  REQUIRE(twice.merge(packed));
  REQUIRE(twice.merge(packed));
  CHECK(twice.events == 2000);
  CHECK(twice.successes.yes == 2 * profile.successes.yes);
  CHECK(twice.latency_ns.quantile(0.9) == profile.latency_ns.quantile(0.9));
  CHECK(twice.latency_ns.max() == profile.latency_ns.max());
  for (std::size_t size = 0; size < packed.size(); ++size) {
    Profile part;
    CHECK_FALSE(part.merge(std::string_view(packed).substr(0, size)));
  }
}
