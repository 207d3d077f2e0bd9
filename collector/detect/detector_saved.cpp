// The detector's part of the follower's checkpoint: its charts as they lie in memory.
//
//   u64 kLayout: what a collector whose charts look otherwise has saved is not loaded, and learned anew from the journal
//   Losses; u64 how many follow, and of each: u32 number, u8 whole agent, u8 offline, u8 charts (bit Measure; those of latencies and
//   thresholds follow), u8 0, i64 time, i64 time judged, the charts in order
#include <cstring>

#include "collector/detect/detector.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::detect {
namespace {

constexpr std::uint64_t kVersion = 2;
constexpr std::uint64_t kLayout = kVersion << 56 | sizeof(RateSeries) << 36 | sizeof(LatencySeries) << 18 | sizeof(Thresholds);
static_assert(sizeof(RateSeries) < 1 << 18 && sizeof(LatencySeries) < 1 << 18 && sizeof(Thresholds) < 1 << 18);
constexpr std::size_t kLatencyBit = Detector::kShares, kThresholdsBit = kLatencyBit + 1;
static_assert(std::is_trivially_copyable_v<RateSeries> && std::is_trivially_copyable_v<LatencySeries>);
static_assert(std::is_trivially_copyable_v<Thresholds>);

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

void Detector::save(const std::function<void(std::string_view)>& out) const {
  std::string piece;
  journal::Writer writer(piece);
  writer.put(kLayout);
  append(piece, losses_);
  std::uint64_t count = 0;
  for (const auto* const all : {&agents_, &series_})
    for (const auto& w : *all) count += w == nullptr ? 0u : 1u;
  writer.put(count);
  for (const auto* const all : {&agents_, &series_})
    for (const auto& w : *all) {
      if (w == nullptr) continue;
      std::uint8_t charts = w->latency == nullptr ? 0 : 1u << kLatencyBit;
      if (w->thresholds != nullptr) charts |= 1u << kThresholdsBit;
      for (std::size_t i = 0; i < kShares; ++i) charts = static_cast<std::uint8_t>(charts | (w->shares[i] != nullptr ? 1u << i : 0u));
      writer.put(w->number);
      for (const bool flag : {w->whole_agent, w->offline}) writer.put(static_cast<std::uint8_t>(flag ? 1 : 0));
      writer.put(charts);
      writer.put(std::uint8_t{0});
      writer.put(w->time_ns);
      writer.put(w->judged_ns);
      for (const auto& share : w->shares)
        if (share != nullptr) append(piece, *share);
      if (w->latency != nullptr) append(piece, *w->latency);
      if (w->thresholds != nullptr) append(piece, *w->thresholds);
      out(piece);
      piece.clear();
    }
  if (!piece.empty()) out(piece);
}

bool Detector::load(std::string_view bytes) {
  cleared();
  journal::Reader in(bytes);
  if (in.get<std::uint64_t>() != kLayout) return false;
  losses_ = in.get<Losses>();
  for (std::uint64_t left = in.get_count(24); left != 0 && in.good(); --left) {
    const auto number = in.get<std::uint32_t>();
    const bool whole_agent = in.get<std::uint8_t>() != 0, offline = in.get<std::uint8_t>() != 0;
    const auto charts = in.get<std::uint8_t>();
    static_cast<void>(in.get<std::uint8_t>());
    if (!in.good() || number > kNumberMax) return false;
    Watched& w = *watched(whole_agent, number);
    w.offline = offline;
    w.time_ns = in.get<std::int64_t>();
    w.judged_ns = in.get<std::int64_t>();
    w.waits = w.listed = true;  // there may be outcomes that are not judged yet
    to_judge_.push_back(&w);
    for (std::size_t i = 0; i < kShares; ++i) {
      if ((charts >> i & 1) == 0) continue;
      w.shares[i] = std::make_unique<RateSeries>(in.get<RateSeries>());
      ++charts_;
    }
    if ((charts >> kLatencyBit & 1) != 0) {
      w.latency = std::make_unique<LatencySeries>(in.get<LatencySeries>());
      charts_ += LatencySeries::kLimits;
    }
    if ((charts >> kThresholdsBit & 1) != 0) w.thresholds = std::make_unique<Thresholds>(in.get<Thresholds>());
    if ((w.thresholds != nullptr) != options_.thresholds && charts != 0) return false;  // another detector's
  }
  return in.good() && in.left() == 0;
}

}  // namespace arbiter::detect
