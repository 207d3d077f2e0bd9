// An agent's measures over even steps of time, for its trends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "collector/aggregate/packed.hpp"
#include "collector/aggregate/profile.hpp"
#include "collector/aggregate/trend.hpp"
#include "collector/aggregate/trends.hpp"
#include "collector/aggregate/window.hpp"

namespace arbiter::aggregate {

// What a profile says of a measure of kMeasures: how many samples, and their sum.
Mean measured(const Profile& profile, std::size_t measure);

// The points of one window, by measure, in order of time.
struct Points {
  std::array<std::vector<Point>, kMeasures.size()> of;
};

// The step for a window: whole grains, at most kStepsMax of them. 0: fewer than kTrendPointsMin fit, so there is nothing to say.
inline constexpr std::int64_t kStepsMax = 168;  // hours of a week
std::int64_t step_of(const Window& window, std::int64_t grain_ns);

class AgentPoints {
 public:
  // The profile of one grain: added to the points of every window.
  void add(const std::vector<Window>& windows, std::int64_t grain_ns, std::int64_t time_ns, const Profile& profile);
  void prune(const std::vector<Window>& windows, std::int64_t grain_ns, std::int64_t now_ns);
  Points of(const std::vector<Window>& windows, std::size_t window, std::int64_t grain_ns, std::int64_t from_ns) const;
  bool empty() const { return windows_.empty(); }
  void pack(Packer& out) const;
  bool unpack(Unpacker& in, std::size_t windows);

 private:
  struct Stored {
    std::uint32_t number;  // time / step
    std::uint32_t count;
    float sum;
  };
  using Measures = std::array<std::vector<Stored>, kMeasures.size()>;
  std::vector<Measures> windows_;  // empty until something was added
};

}  // namespace arbiter::aggregate
