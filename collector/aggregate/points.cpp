#include "collector/aggregate/points.hpp"

#include <algorithm>

namespace arbiter::aggregate {
namespace {

constexpr double kMsNs = 1e6;

Mean of_share(const Share& share) { return {share.of, static_cast<double>(share.yes)}; }

}  // namespace

Mean measured(const Profile& p, std::size_t measure) {
  const std::array all = {Mean{p.latency_ns.count(), static_cast<double>(p.latency_sum_ns) / kMsNs},
                          of_share(p.successes),
                          p.quality,
                          p.efficiency,
                          p.tokens,
                          p.cost_usd,
                          p.evaluation_score,
                          p.utilization,
                          p.compliance_score,
                          p.judgment_score};
  static_assert(all.size() == kMeasures.size() && kMeasures[0].name == "latencyMs" && kMeasures[5].name == "costUsd" &&
                kMeasures[6].name == "evaluationScore" && kMeasures[9].name == "judgmentScore");
  return all[measure];
}

std::int64_t step_of(const Window& window, std::int64_t grain_ns) {
  const std::int64_t grains = window.length.count() / grain_ns;
  if (grains < static_cast<std::int64_t>(kTrendPointsMin)) return 0;
  return (grains + kStepsMax - 1) / kStepsMax * grain_ns;
}

void AgentPoints::add(const std::vector<Window>& windows, std::int64_t grain_ns, std::int64_t time_ns, const Profile& profile) {
  windows_.resize(windows.size());
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const std::int64_t step = step_of(windows[w], grain_ns);
    if (step == 0) continue;
    const auto number = static_cast<std::uint32_t>(time_ns / step);
    for (std::size_t m = 0; m < kMeasures.size(); ++m) {
      const Mean mean = measured(profile, m);
      if (mean.count == 0) continue;
      std::vector<Stored>& points = windows_[w][m];
      auto at = points.end();
      while (at != points.begin() && std::prev(at)->number >= number) --at;  // mostly the last
      if (at == points.end() || at->number != number) at = points.insert(at, {number, 0, 0});
      at->count += static_cast<std::uint32_t>(mean.count);
      at->sum += static_cast<float>(mean.sum);
    }
  }
}

void AgentPoints::prune(const std::vector<Window>& windows, std::int64_t grain_ns, std::int64_t now_ns) {
  for (std::size_t w = 0; w < windows_.size(); ++w) {
    const std::int64_t step = step_of(windows[w], grain_ns);
    if (step == 0) continue;
    const std::int64_t first = windows[w].begin_ns(now_ns) / step;
    for (std::vector<Stored>& points : windows_[w]) std::erase_if(points, [first](const Stored& p) { return p.number < first; });
  }
}

Points AgentPoints::of(const std::vector<Window>& windows, std::size_t window, std::int64_t grain_ns, std::int64_t from_ns) const {
  Points all;
  const std::int64_t step = step_of(windows[window], grain_ns);
  if (step == 0 || windows_.empty()) return all;
  for (std::size_t m = 0; m < kMeasures.size(); ++m)
    for (const Stored& p : windows_[window][m])
      if (p.number * step >= from_ns) all.of[m].push_back({p.number * step + step / 2, p.sum / static_cast<double>(p.count)});
  return all;
}

void AgentPoints::pack(Packer& out) const {
  out.whole(windows_.size());
  for (const Measures& measures : windows_)
    for (const std::vector<Stored>& points : measures) {
      out.whole(points.size());
      for (const Stored& p : points) out.whole(p.number), out.whole(p.count), out.real(static_cast<double>(p.sum));
    }
}

bool AgentPoints::unpack(Unpacker& in, std::size_t windows) {
  windows_.clear();
  const std::uint64_t count = in.whole();
  if (count != 0 && count != windows) return false;
  windows_.resize(count);
  for (Measures& measures : windows_)
    for (std::vector<Stored>& points : measures) {
      const std::uint64_t size = in.whole();
      if (size > in.left()) return false;
      points.reserve(size);
      for (std::uint64_t n = 0; n < size; ++n) {
        const std::uint64_t number = in.whole(), samples = in.whole();
        points.push_back({static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(samples), static_cast<float>(in.real())});
        if (samples == 0) return false;
      }
    }
  return in.good();
}

}  // namespace arbiter::aggregate
