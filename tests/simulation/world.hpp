// Series whose truth is known: what the simulation of the detectors is fed with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <string_view>

namespace arbiter::simulation {

// How outcomes come about. Shares are of bad outcomes.
enum class World : std::uint8_t {
  independent,
  season,    // the share goes up and down with the hour of the day, by `strength`
  sticky,    // an outcome is like the one before with probability `strength`, else drawn anew
  drifting,  // the logarithm of the odds drifts about with this standard deviation, and `memory_minutes`: first order
};

struct Truth {
  std::string_view name;
  World world = World::independent;
  double share = 0.1;
  double per_minute = 5;
  double strength = 0;
  double memory_minutes = 0;
};

// A change at some minute: to the share, or to the latencies.
struct Change {
  double minute = INFINITY;
  double points = 0;  // added to the share
  double times = 1;   // by which latencies grow
};

class Series {
 public:
  Series(const Truth& truth, std::uint64_t seed) : truth_(truth), random_(seed), phase_(uniform_(random_) * 2 * std::numbers::pi) {
    drift_ = normal_(random_);
  }

  // Of this minute; `one(bad, uniform)` for each outcome. `uniform`: the rank of its latency among those of its kind, for who wants one.
  template <class One>
  void minute(double now, const Change& change, const One& one) {
    double share = truth_.share;
    if (truth_.world == World::season) share += truth_.strength * season(now);
    if (truth_.world == World::drifting) {
      const double kept = std::exp(-1 / truth_.memory_minutes);
      drift_ = kept * drift_ + std::sqrt(1 - kept * kept) * normal_(random_);
      share = 1 / (1 + (1 - share) / share * std::exp(-truth_.strength * drift_));
    }
    if (now >= change.minute) share += change.points;
    share = std::clamp(share, 0.0, 1.0);
    const int n = arrivals_(random_);
    for (int i = 0; i < n; ++i) {
      const bool as_before = truth_.world == World::sticky && uniform_(random_) < truth_.strength;
      if (!as_before) last_ = uniform_(random_) < share;
      one(last_);
    }
  }
  // A latency of this minute: log-normal, of median 1 s; its logarithm has a season or drifts about as the truth says.
  template <class One>
  void latencies(double now, const Change& change, double sigma, const One& one) {
    double level = 0;
    if (truth_.world == World::season) level = truth_.strength * season(now);
    if (truth_.world == World::drifting) {
      const double kept = std::exp(-1 / truth_.memory_minutes);
      drift_ = kept * drift_ + std::sqrt(1 - kept * kept) * normal_(random_);
      level = truth_.strength * drift_;
    }
    if (now >= change.minute) level += std::log(change.times);
    const int n = arrivals_(random_);
    for (int i = 0; i < n; ++i) {
      noise_ = truth_.world == World::sticky
                   ? truth_.strength * noise_ + std::sqrt(1 - truth_.strength * truth_.strength) * normal_(random_)
                   : normal_(random_);
      one(1000 * std::exp(level + sigma * noise_));
    }
  }

 private:
  double season(double now) const { return std::sin(2 * std::numbers::pi * now / (24 * 60) + phase_); }

  const Truth& truth_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> uniform_;
  std::normal_distribution<double> normal_;
  std::poisson_distribution<int> arrivals_{truth_.per_minute};
  double phase_, drift_ = 0, noise_ = 0;
  bool last_ = false;
};

}  // namespace arbiter::simulation
