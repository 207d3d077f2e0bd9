// One series of outcomes that are bad or not, watched: quiet, or risen and waiting to recover.
//
// A rise is told when the e-detector says so and what the series has been seen to do by itself does not explain it (rate.hpp, wander.hpp).
// It has recovered when the outcomes since speak for the share before over the share of the rise, e^kRecovered to one: the CUSUM of their
// likelihood ratio (Page, Biometrika 41, 1954), and are nearer to it; so a share between the two neither ends it nor makes another. What
// stays for an epoch is what the series is like now. Afterwards the series is learned anew.
#pragma once

#include <cstdint>
#include <optional>

#include "collector/detect/rate.hpp"
#include "collector/detect/wander.hpp"

namespace arbiter::detect {

class RateSeries {
 public:
  static constexpr std::int64_t kEpochNs = 24 * Wander::kHourNs;

  enum class Event : std::uint8_t { none, risen, recovered, adopted };
  enum class State : std::uint8_t { learning, quiet, risen, abstaining };

  void add(bool bad);
  // Judges what was added since. `spend`: how many false alarms it may cost (rate.hpp). Times never go back.
  Event judge(double spend, std::int64_t now_ns);

  State state() const;
  // Of the rise that there is.
  const RateDetector::Rise& rise() const { return rise_; }
  Counts since_rise() const { return rise_.since; }
  double inflation() const { return wander_.inflation(); }
  const Counts& total() const { return detector_.total(); }
  const RateDetector& detector() const { return detector_; }
  const Wander& wander() const { return wander_; }
  void restart(std::int64_t now_ns);

 private:
  Event recover(std::int64_t now_ns);
  void settle();

  // Outcomes on their way to the wander, whose memory an outcome by itself would be dear to touch: behind the highest bit that is set, the
  // oldest first.
  std::uint64_t waiting_ = 1;
  RateDetector detector_;
  Wander wander_;
  Counts pending_;
  std::int64_t epoch_ns_ = 0;  // when it began; 0: not yet
  bool risen_ = false, withheld_ = false;
  RateDetector::Rise rise_;
  Counts recovering_;
  double log_recovered_ = 0;
};

}  // namespace arbiter::detect
