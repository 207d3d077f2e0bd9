// When a share has risen: a mixture e-detector for outcomes that are bad or not, of a baseline that nobody knows.
//
// For each moment j at which the share may have risen, and each of a few levels q to which it may have risen, there is a ratio
//
//             KT(x_1 .. x_{j-1}) * P_q(x_j .. x_t)
//   R_jq(t) = ------------------------------------        M(t) = sum over j <= t and q of a_j / kLevels * R_jq(t)
//               max over p of P_p(x_1 .. x_t)
//
// P_p: probability of these outcomes if each is bad with probability p; KT: their mixture over p by Jeffreys' prior (Krichevsky and
// Trofimov, IEEE Trans. Inf. Theory 27, 1981), which knows no p. A rise is told when M >= 1.
//
// Guarantee: outcomes that are independent and bad with one probability, whatever it is, raise within one run (from restart() or
// next_epoch() on) with a probability of at most the sum of the a_j, the spending of that run. For the true p, replace the maximum below
// the line by P_p, which is not larger: each R_jq is then at most a martingale whose mean at j, given that the run has come so far, is 1
// on the whole (the numerator is the probability of a sequence, under a mixture). So at the first moment with M >= 1, which is a stopping
// time, the mean of M is at most the sum of the a_j spent, and Markov's inequality does the rest. It holds for each run whatever made it
// begin, and so the false alarms of a collector are, on average, no more than all that its series spend: divide a month's false alarms
// among them as time goes, and that is the bound. Any rule that withholds an alarm (wander.hpp) only lowers it.
//
// Sources: the weighted sum over j is the Shiryaev-Roberts e-detector of J. Shin, A. Ramdas and A. Rinaldo, "E-detectors: a nonparametric
// framework for sequential change detection" (New England J. of Statistics in Data Science 2, 2024); the ratio is universal inference, L.
// Wasserman, A. Ramdas and S. Balakrishnan (PNAS 117, 2020), which is what accounts for the baseline being estimated.
//
// Cost: add() some nanoseconds, judge() kLevels exponentials. 600 bytes, which may be copied as such. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace arbiter::detect {

// How many there were, and how many of them were bad.
struct Counts {
  std::uint64_t n = 0, bad = 0;
  double share() const { return n == 0 ? 0 : static_cast<double>(bad) / static_cast<double>(n); }
  Counts& operator+=(const Counts& o) { return n += o.n, bad += o.bad, *this; }
  Counts operator+(const Counts& o) const { return {n + o.n, bad + o.bad}; }
  Counts operator-(const Counts& o) const { return {n - o.n, bad - o.bad}; }
  bool operator==(const Counts&) const = default;
};

class RateDetector {
 public:
  static constexpr std::uint64_t kBaselineMin = 30;  // outcomes before a rise is looked for
  static constexpr std::size_t kLevels = 15;

  void add(const Counts& outcomes) { pending_ += outcomes; }

  // What the outcomes of the likeliest rise, and those before it, are.
  struct Rise {
    Counts before, since;
    std::int64_t since_ns = 0;
  };

  // Takes in what was added since the last time, with `spend` as its a_j. `now_ns`: the time from which a rise that begins with these
  // outcomes is dated. True: M >= 1.
  bool judge(double spend, std::int64_t now_ns);
  Rise likeliest() const;
  double log_m() const { return log_m_; }
  double log_likelihood_ratio() const;  // that the share rose where it likeliest did, over that it did not yet
  const Counts& total() const { return total_; }
  bool ready() const { return based_on_ != 0; }

  void restart();     // knows nothing any more
  void next_epoch();  // what came in this run is the baseline of the next, in which rises are looked for; what came before is forgotten

 private:
  struct Level {
    double log_sum = 0;                        // of the numerators over j; kNone: there are none
    double log_best = 0;                       // the largest of them
    std::uint32_t since_n = 0, since_bad = 0;  // from the j of that one
    std::int64_t since_ns = 0;
  };
  void set_levels();
  void forget_rises();

  Counts total_, pending_, carried_;  // of this run with what it began with; not judged yet; what it began with
  std::uint64_t based_on_ = 0;        // outcomes that the levels were chosen by; 0: none yet
  double log_odds_ = 0;               // of the share that the levels lie above
  double log_m_ = 0, log_start_ = 0;
  std::array<Level, kLevels> levels_{};
};

}  // namespace arbiter::detect
