// detect_simulation: how often the sequential detector raises false alarms, and how long it takes to see what is there.
#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "collector/detect/latency.hpp"
#include "collector/detect/series.hpp"
#include "tests/simulation/world.hpp"

namespace {

using namespace arbiter::simulation;
using arbiter::detect::LatencySeries;
using arbiter::detect::RateSeries;

constexpr const char* kFooter = R"(
False alarms: each series has a collector of its own, which may raise one false alarm in 30 days; so the bound is 1 a month for series that are
independent and stationary, where it is proved, and 2 for those that are not. Detection: the change comes on the fourth day ("first day":
after some hours) to series of a collector with 100 of them, which share its one false alarm; the delay is in outcomes. Minutes are judged, not
tens of seconds. What is simulated follows from the seed. Exit status: 0 every bound holds, 1 one does not.

examples:
  detect_simulation                        a short form, for the tests
  detect_simulation --series 1000          14,000 series of 30 days
)";

struct Options {
  int series = 20;
  double days = 30;
  std::uint64_t seed = 1;
};

constexpr std::int64_t kMinuteNs = 60'000'000'000, kBeginNs = 20'000 * 24 * 60 * kMinuteNs;
constexpr double kMonthMinutes = 30 * 24 * 60;

// Alarms and abstentions of one run of a series, up to its first alarm at or after the change.
struct Run {
  std::uint64_t alarms = 0;  // before the change
  double abstained = 0, judged = 0;
  std::uint64_t after = 0;  // outcomes since the change, up to the alarm
  bool detected = false;
};

class Watched {
 public:
  explicit Watched(bool latency) : latency_(latency) {}
  void step(Series& series, double minute, const Change& change, Run& run) {
    const auto now = kBeginNs + static_cast<std::int64_t>(minute) * kMinuteNs;
    const bool changed = minute >= change.minute;
    if (latency_)
      series.latencies(minute, change, kSigma, [&](double ms) { latencies_.add(ms, now), run.after += changed ? 1 : 0; });
    else
      series.minute(minute, change, [&](bool bad) { rate_.add(bad), run.after += changed ? 1 : 0; });
  }
  // What a minute may cost, in false alarms, for the series; its charts share that.
  bool judge(double minute, double spend, Run& run) {
    const auto now = kBeginNs + static_cast<std::int64_t>(minute + 1) * kMinuteNs;
    bool risen = false;
    const auto note = [&](RateSeries::Event event, const RateSeries& series) {
      risen = risen || event == RateSeries::Event::risen;
      run.abstained += series.state() == RateSeries::State::abstaining ? 1 : 0;
      run.judged += 1;
    };
    if (!latency_) {
      note(rate_.judge(spend, now), rate_);
    } else {
      for (std::size_t i = 0; i < LatencySeries::kLimits; ++i)
        note(latencies_.judge(i, spend / LatencySeries::kLimits, now), latencies_.of(i));
    }
    return risen;
  }

 private:
  static constexpr double kSigma = 0.5;
  bool latency_;
  RateSeries rate_;
  LatencySeries latencies_;
};

Run run(const Truth& truth, bool latency, const Change& change, double minutes, double spend, std::uint64_t seed) {
  Run run;
  Series series(truth, seed);
  Watched watched(latency);
  for (double minute = 0; minute < minutes; ++minute) {
    watched.step(series, minute, change, run);
    if (!watched.judge(minute, spend, run)) continue;
    if (minute < change.minute) {
      ++run.alarms;
      continue;
    }
    run.detected = true;
    return run;
  }
  return run;
}

bool false_alarms(const Truth& truth, bool latency, double bound, const Options& options) {
  double alarms = 0, abstained = 0, judged = 0;
  for (int i = 0; i < options.series; ++i) {
    const Run one = run(truth, latency, {}, options.days * 24 * 60, 1 / kMonthMinutes, options.seed * 1'000'003 + static_cast<unsigned>(i));
    alarms += static_cast<double>(one.alarms), abstained += one.abstained, judged += one.judged;
  }
  const double months = options.series * options.days / 30;
  // What chance adds to a rate at the bound: four standard deviations.
  const bool held = alarms <= bound * months + 4 * std::sqrt(bound * months);
  std::printf("| %s | %d | %.4f | %.0f | %.0f %% | %s |\n", std::string(truth.name).c_str(), options.series, alarms / months, bound,
              100 * abstained / judged, held ? "yes" : "NO");
  std::fflush(stdout);
  return held;
}

void detection(std::string_view name, const Truth& truth, bool latency, const Change& change, const Options& options) {
  std::vector<std::uint64_t> delays;
  const int series = std::max(10, options.series / 10);
  std::uint64_t early = 0;
  for (int i = 0; i < series; ++i) {
    const Run one =
        run(truth, latency, change, change.minute + 24 * 60, 1 / kMonthMinutes / 100, options.seed * 7'000'003 + static_cast<unsigned>(i));
    early += one.alarms;
    if (one.detected) delays.push_back(one.after);
  }
  std::sort(delays.begin(), delays.end());
  const auto at = [&delays](double q) {
    return delays.empty() ? 0 : delays[static_cast<std::size_t>(q * static_cast<double>(delays.size() - 1))];
  };
  std::printf("| %s | %d | %.0f %% | %llu | %llu |%s\n", std::string(name).c_str(), series,
              100.0 * static_cast<double>(delays.size()) / series, static_cast<unsigned long long>(at(0.5)),
              static_cast<unsigned long long>(at(0.9)), early == 0 ? "" : " (and false alarms before)");
  std::fflush(stdout);
}

// The share of bad outcomes is one less the rate that users think of.
constexpr std::array<Truth, 4> kStationary = {{{"success 0.5", World::independent, 0.5},
                                               {"success 0.9", World::independent, 0.1},
                                               {"success 0.99", World::independent, 0.01},
                                               {"success 0.999", World::independent, 0.001}}};
constexpr std::array<Truth, 6> kOther = {{{"season of 5 points about 0.9", World::season, 0.1, 5, 0.05},
                                          {"season of 10 points about 0.7", World::season, 0.3, 5, 0.1},
                                          {"sticky outcomes (0.3)", World::sticky, 0.1, 5, 0.3},
                                          {"sticky outcomes (0.8)", World::sticky, 0.1, 5, 0.8},
                                          {"drifting, an hour", World::drifting, 0.1, 5, 0.5, 60},
                                          {"drifting, ten hours", World::drifting, 0.1, 5, 0.5, 600}}};
constexpr Truth kLatency{"latency", World::independent};
constexpr std::array<Truth, 3> kLatencies = {{{"latency, season of 1.3 times", World::season, 0, 5, 0.26},
                                              {"latency, autocorrelated (0.6)", World::sticky, 0, 5, 0.6},
                                              {"latency, drifting 1.2 times, an hour", World::drifting, 0, 5, 0.18, 60}}};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"How often the sequential detector raises false alarms, and how long it takes to see what is there.", "detect_simulation"};
  Options options;
  bool quick = false;
  app.add_option("--series", options.series, "of each kind, for the false alarms; a tenth for each change")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--days", options.days, "that each lasts")->check(CLI::Range(1.0, 10'000.0))->capture_default_str();
  app.add_option("--seed", options.seed, "what is simulated follows from it")->capture_default_str();
  app.add_flag("--false-alarms-only", quick, "leave the changes out");
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "detect_simulation: %s: see detect_simulation --help\n", wrong.what());
    return 2;
  }

  std::printf("| series, 5 outcomes a minute | how many | false alarms a month | bound | abstains | held |\n|---|---|---|---|---|---|\n");
  bool held = true;
  for (const Truth& truth : kStationary) held &= false_alarms(truth, false, 1, options);
  held &= false_alarms(kLatency, true, 1, options);
  for (const Truth& truth : kOther) held &= false_alarms(truth, false, 2, options);
  for (const Truth& truth : kLatencies) held &= false_alarms(truth, true, 2, options);
  if (quick) return held ? 0 : 1;

  constexpr double kDay = 24 * 60;
  std::printf("\n| change | how many | seen within a day | outcomes, median | 90 %% |\n|---|---|---|---|---|\n");
  for (const auto& [truth, points] : {std::pair(kStationary[0], 0.05),
                                      {kStationary[0], 0.1},
                                      {kStationary[0], 0.2},
                                      {kStationary[1], 0.02},
                                      {kStationary[1], 0.05},
                                      {kStationary[1], 0.1},
                                      {kStationary[1], 0.2},
                                      {kStationary[2], 0.02},
                                      {kStationary[2], 0.05},
                                      {kStationary[2], 0.2},
                                      {kStationary[3], 0.02},
                                      {kStationary[3], 0.2}})
    detection(std::string(truth.name) + " drops by " + std::to_string(static_cast<int>(std::lround(points * 100))) + " points", truth,
              false, {.minute = 3 * kDay, .points = points}, options);
  detection("success 0.9 drops by 20 points on the first day", kStationary[1], false, {.minute = 4 * 60, .points = 0.2}, options);
  detection("success 0.9 drops by 50 points after an hour", kStationary[1], false, {.minute = 60, .points = 0.5}, options);
  detection("season of 5 points about 0.9, drops by 20", kOther[0], false, {.minute = 3 * kDay, .points = 0.2}, options);
  detection("sticky outcomes (0.3), drops by 20", kOther[2], false, {.minute = 3 * kDay, .points = 0.2}, options);
  for (const double times : {1.2, 1.5, 2.0, 5.0}) {
    char name[64];
    std::snprintf(name, sizeof name, "latency grows %.1f times", times);
    detection(name, kLatency, true, {.minute = 3 * kDay, .times = times}, options);
  }
  return held ? 0 : 1;
}
