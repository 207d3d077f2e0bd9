#include "collector/aggregate/panes.hpp"

#include <algorithm>
#include <cstring>

#include "collector/journal/totals.hpp"

namespace arbiter::aggregate {
namespace {

using schema::field;

constexpr unsigned kStatus = field(Kind::agent_status_change, "status");

std::int64_t shortest_slide(const std::vector<Window>& windows) {
  return std::min_element(windows.begin(), windows.end(), [](auto& a, auto& b) { return a.slide < b.slide; })->slide.count();
}

template <class List>
auto& at_least(List& list, std::size_t index) {
  if (list.size() <= index) list.resize(index + 1);
  return list[index];
}

}  // namespace

Panes::Panes(std::vector<Window> windows) : windows_(std::move(windows)), grain_ns_(shortest_slide(windows_)) { cleared(); }

const Window* Panes::find(std::string_view name) const {
  const auto at = std::find_if(windows_.begin(), windows_.end(), [name](const Window& w) { return w.name == name; });
  return at == windows_.end() ? nullptr : &*at;
}

// --- what comes in

Panes::Series& Panes::series_at(const Whom& whom) {
  if (whom.series == kNobody) return nobody_;
  Series& series = at_least(series_, whom.series);
  series.agent = whom.agent;
  return series;
}

Profile& Panes::grain_at(Series& series, std::int64_t time_ns) {
  for (std::size_t n = series.grains.size(); n-- > 0;)
    if (Grain& grain = *series.grains[n]; time_ns >= grain.from_ns && time_ns - grain.from_ns < grain_ns_) return grain.profile;
  if (series.grains.size() == kGrainsMax) {
    const auto first =
        std::min_element(series.grains.begin(), series.grains.end(), [](auto& a, auto& b) { return a->from_ns < b->from_ns; });
    const std::unique_ptr<Grain> oldest = std::move(*first);
    series.grains.erase(first);
    settle_grain(series, *oldest);
  }
  return series.grains.emplace_back(std::make_unique<Grain>(Grain{time_ns / grain_ns_ * grain_ns_, {}}))->profile;
}

void Panes::event(const Followed& e) {
  if (e.values.kind == Kind::agent_status_change && e.whom.agent != kNobody && e.values.has(kStatus))
    at_least(statuses_, e.whom.agent).add(e.time_ns, e.values.text[kStatus].bytes());
  if (e.time_ns < oldest_ns_) {
    ++too_old_;
    return;
  }
  grain_at(series_at(e.whom), e.time_ns).add(e.values);
}

void Panes::completed(const Completed& late) {
  if (late.time_ns >= oldest_ns_) grain_at(series_at(late.whom), late.time_ns).complete(late.duration_ns);
}

// --- from grains to panes

void Panes::settle(Series& series, std::int64_t before_ns) {
  if (series.grains.empty()) return;
  std::sort(series.grains.begin(), series.grains.end(), [](const auto& a, const auto& b) { return a->from_ns < b->from_ns; });
  const auto kept =
      std::find_if(series.grains.begin(), series.grains.end(), [before_ns](const auto& g) { return g->from_ns >= before_ns; });
  for (auto grain = series.grains.begin(); grain != kept; ++grain) settle_grain(series, **grain);
  series.grains.erase(series.grains.begin(), kept);
}

void Panes::settle_grain(Series& series, const Grain& grain) {
  const std::int64_t time = grain.from_ns;
  series.levels.resize(windows_.size());
  for (std::size_t n = 0; n < windows_.size(); ++n)
    if (time >= kept_from(n, &series == &all_))
      add_to_pane(series.levels[n], static_cast<std::uint32_t>(time / windows_[n].slide.count()), grain.profile);
  if (&series == &all_) return;
  grain_at(all_, time).merge(grain.profile);
  if (series.agent != kNobody) at_least(points_, series.agent).add(windows_, grain_ns_, time, grain.profile);
}

void Panes::add_to_pane(std::vector<Pane>& level, std::uint32_t number, const Profile& profile) {
  auto at = level.end();
  while (at != level.begin() && std::prev(at)->number >= number) --at;  // mostly the last
  scratch_.clear();
  if (at != level.end() && at->number == number) {
    Profile both;
    both.merge(at->packed());
    both.merge(profile);
    both.pack(scratch_);
  } else {
    at = level.insert(at, Pane{number, 0, nullptr});
    profile.pack(scratch_);
  }
  if (at->size != scratch_.size()) at->bytes.reset(new char[scratch_.size()]);
  at->size = static_cast<std::uint32_t>(scratch_.size());
  std::memcpy(at->bytes.get(), scratch_.data(), scratch_.size());
}

std::int64_t Panes::kept_from(std::size_t level, bool keeps_history) const {
  return windows_[keeps_history ? std::min(level + 1, windows_.size() - 1) : level].begin_ns(now_ns_);
}

void Panes::prune(Series& series, bool keeps_history) {
  for (std::size_t n = 0; n < series.levels.size(); ++n) {
    const std::int64_t first = kept_from(n, keeps_history) / windows_[n].slide.count();
    std::vector<Pane>& level = series.levels[n];
    const auto kept = std::find_if(level.begin(), level.end(), [first](const Pane& pane) { return pane.number >= first; });
    level.erase(level.begin(), kept);
    if (level.empty()) level.shrink_to_fit();
  }
}

void Panes::moment(const Moment& moment) {
  now_ns_ = moment.kept_ns;
  oldest_ns_ = longest().begin_ns(now_ns_);
  // While history is read, its grains are over as soon as the next has begun; else late events of this minute may still come.
  const std::int64_t from_ns = now_ns_ / grain_ns_ * grain_ns_;
  if (from_ns == settled_ns_) return;
  settled_ns_ = from_ns;
  for (Series& series : series_) {
    settle(series, from_ns);
    prune(series, false);
  }
  settle(nobody_, from_ns);
  prune(nobody_, false);
  settle(all_, from_ns);
  prune(all_, true);
  for (std::size_t agent = 0; agent < points_.size(); ++agent) points_[agent].prune(windows_, grain_ns_, now_ns_);
  for (StatusHistory& history : statuses_) history.forget_before(oldest_ns_);
}

void Panes::forgotten_series(std::uint32_t series) {
  if (series < series_.size()) series_[series] = Series();
}

void Panes::forgotten_agent(std::uint32_t agent) {
  if (agent < statuses_.size()) statuses_[agent] = {};
  if (agent < points_.size()) points_[agent] = {};
}

void Panes::cleared() {
  series_.clear();
  nobody_ = Series();
  all_ = Series();
  statuses_.clear();
  points_.clear();
  too_old_ = 0;
  settled_ns_ = INT64_MIN;
}

// --- what is asked

Panes::Span Panes::span(const Window& window, std::int64_t now_ns) const {
  const std::int64_t from = window.begin_ns(now_ns);
  return {from, from + window.length.count()};
}

void Panes::merge(const Series& series, const Window& window, const Span& span, Profile& into) const {
  const std::size_t level = static_cast<std::size_t>(&window - windows_.data());
  const std::int64_t slide = window.slide.count();
  if (level < series.levels.size())
    for (const Pane& pane : series.levels[level])
      if (pane.number * slide >= span.from_ns && pane.number * slide < span.to_ns) into.merge(pane.packed());
  for (const auto& grain : series.grains)
    if (grain->from_ns >= span.from_ns && grain->from_ns < span.to_ns) into.merge(grain->profile);
}

Profile Panes::of_series(std::uint32_t series, const Window& window, std::int64_t now_ns) const {
  Profile profile;
  if (series < series_.size()) merge(series_[series], window, span(window, now_ns), profile);
  return profile;
}

Profile Panes::of_nobody(const Window& window, std::int64_t now_ns) const {
  Profile profile;
  merge(nobody_, window, span(window, now_ns), profile);
  return profile;
}

// What was settled is in all_; the rest still lies in the grains of its series.
Profile Panes::of_all(const Window& window, std::int64_t now_ns) const {
  Profile profile;
  const Span asked = span(window, now_ns);
  merge(all_, window, asked, profile);
  each_grain([&](const Grain& grain) {
    if (grain.from_ns >= asked.from_ns && grain.from_ns < asked.to_ns) profile.merge(grain.profile);
  });
  return profile;
}

std::vector<Panes::Step> Panes::history(const Window& window, std::int64_t now_ns) const {
  const std::size_t asked = static_cast<std::size_t>(&window - windows_.data());
  const std::size_t level = asked == 0 ? 0 : asked - 1;  // kept for as long as this window
  const std::int64_t slide = windows_[level].slide.count();
  const Span span = this->span(window, now_ns);
  std::map<std::int64_t, Profile> steps;
  if (level < all_.levels.size())
    for (const Pane& pane : all_.levels[level]) steps[pane.number].merge(pane.packed());
  for (const auto& grain : all_.grains) steps[grain->from_ns / slide].merge(grain->profile);
  each_grain([&](const Grain& grain) { steps[grain.from_ns / slide].merge(grain.profile); });
  std::vector<Step> list;
  for (auto& [number, profile] : steps)
    if (number * slide >= span.from_ns && number * slide < span.to_ns)
      list.push_back({number * slide, number * slide + slide, std::move(profile)});
  return list;
}

std::optional<Availability> Panes::availability(std::uint32_t agent, const Span& span, std::int64_t now_ns) const {
  if (agent >= statuses_.size() || statuses_[agent].empty()) return std::nullopt;
  return statuses_[agent].within(span.from_ns, std::min(span.to_ns, now_ns));
}

Points Panes::points(std::uint32_t agent, const std::vector<std::uint32_t>& series, const Window& window, std::int64_t now_ns) const {
  AgentPoints all;
  if (agent < points_.size()) all = points_[agent];
  for (const std::uint32_t number : series)
    if (number < series_.size())
      for (const auto& grain : series_[number].grains) all.add(windows_, grain_ns_, grain->from_ns, grain->profile);
  return all.of(windows_, static_cast<std::size_t>(&window - windows_.data()), grain_ns_, span(window, now_ns).from_ns);
}

Panes::Counts Panes::counts() const {
  Counts counts{0, 0, 0, too_old_};
  const auto count = [&](const Series& series) {
    counts.grains += series.grains.size();
    for (const std::vector<Pane>& level : series.levels)
      for (const Pane& pane : level) ++counts.panes, counts.packed_bytes += pane.size;
  };
  for (const Series& series : series_) count(series);
  count(nobody_);
  count(all_);
  return counts;
}

}  // namespace arbiter::aggregate
