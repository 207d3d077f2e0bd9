// Panes in the follower's checkpoint: the windows they are of; then, each by its number, series, status histories, points.
#include <cstring>

#include "collector/aggregate/panes.hpp"

namespace arbiter::aggregate {
namespace {

constexpr std::uint64_t kVersion = 1;

}  // namespace

void Panes::save_series(const Series& series, std::string& out) const {
  Packer put(out);
  put.whole(series.agent);
  put.whole(series.grains.size());
  std::string profile;
  for (const auto& grain : series.grains) {
    profile.clear();
    grain->profile.pack(profile);
    put.whole(static_cast<std::uint64_t>(grain->from_ns / grain_ns_));
    put.text(profile);
  }
  for (std::size_t n = 0; n < windows_.size(); ++n) {
    put.whole(n < series.levels.size() ? series.levels[n].size() : 0);
    if (n < series.levels.size())
      for (const Pane& pane : series.levels[n]) {
        put.whole(pane.number);
        put.text(pane.packed());
      }
  }
}

bool Panes::load_series(Unpacker& in, Series& series) {
  series.agent = static_cast<std::uint32_t>(in.whole());
  for (std::uint64_t left = in.whole(); left > 0 && in.good(); --left) {
    auto grain = std::make_unique<Grain>(Grain{static_cast<std::int64_t>(in.whole()) * grain_ns_, {}});
    if (!grain->profile.merge(in.text())) return false;
    series.grains.push_back(std::move(grain));
  }
  for (std::size_t n = 0; n < windows_.size(); ++n) {
    const std::uint64_t count = in.whole();
    if (count > in.left()) return false;
    if (count != 0) series.levels.resize(windows_.size());
    for (std::uint64_t left = count; left > 0 && in.good(); --left) {
      Pane pane{static_cast<std::uint32_t>(in.whole()), 0, nullptr};
      const std::string_view packed = in.text();
      Profile readable;
      if (!readable.merge(packed)) return false;
      pane.size = static_cast<std::uint32_t>(packed.size());
      pane.bytes.reset(new char[packed.size()]);
      std::memcpy(pane.bytes.get(), packed.data(), packed.size());
      series.levels[n].push_back(std::move(pane));
    }
  }
  return in.good();
}

void Panes::save(const std::function<void(std::string_view)>& out) const {
  std::string bytes;
  Packer put(bytes);
  put.whole(kVersion);
  put.whole(windows_.size());
  for (const Window& window : windows_) {
    put.whole(static_cast<std::uint64_t>(window.length.count()));
    put.whole(static_cast<std::uint64_t>(window.slide.count()));
  }
  put.whole(static_cast<std::uint64_t>(now_ns_));
  put.whole(too_old_);
  const auto hand_on = [&](std::size_t piece_bytes) {
    if (bytes.size() < piece_bytes) return;
    out(bytes);
    bytes.clear();
  };
  constexpr std::size_t kPiece = 1 << 20;
  put.whole(series_.size());
  for (const Series& series : series_) {
    save_series(series, bytes);
    hand_on(kPiece);
  }
  save_series(nobody_, bytes);
  save_series(all_, bytes);
  put.whole(statuses_.size());
  for (const StatusHistory& history : statuses_) {
    history.pack(put);
    hand_on(kPiece);
  }
  put.whole(points_.size());
  for (const AgentPoints& points : points_) {
    points.pack(put);
    hand_on(kPiece);
  }
  hand_on(1);
}

bool Panes::load(std::string_view bytes) {
  cleared();
  Unpacker in(bytes);
  if (in.whole() != kVersion || in.whole() != windows_.size()) return false;
  for (const Window& window : windows_)
    if (in.whole() != static_cast<std::uint64_t>(window.length.count()) || in.whole() != static_cast<std::uint64_t>(window.slide.count()))
      return false;
  now_ns_ = static_cast<std::int64_t>(in.whole());
  oldest_ns_ = longest().begin_ns(now_ns_);
  too_old_ = in.whole();
  // No item takes less than a byte: a count that cannot be true ends here.
  const auto items = [&in](auto& list, auto&& load_one) {
    const std::uint64_t count = in.whole();
    if (count > in.left()) return false;
    list.resize(count);
    for (auto& item : list)
      if (!load_one(item)) return false;
    return in.good();
  };
  if (!items(series_, [&](Series& series) { return load_series(in, series); })) return false;
  if (!load_series(in, nobody_) || !load_series(in, all_)) return false;
  if (!items(statuses_, [&](StatusHistory& history) { return history.unpack(in); })) return false;
  if (!items(points_, [&](AgentPoints& points) { return points.unpack(in, windows_.size()); })) return false;
  return in.good() && in.left() == 0;
}

}  // namespace arbiter::aggregate
