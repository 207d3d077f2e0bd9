// Figures by time, for windows that slide: panes, which add up.
//
// A window of 24 hours that slides by 4 is six panes of 4 hours. An event goes into the pane of each window in which its time lies, by its
// own time (never later than it was recorded), however late or out of order it comes, as long as some window still reaches back to it.
//
//   event ─→ the grain of its series: figures of one slide of the shortest window, ready to be added to
//              └─ once that time is over ─→ the pane of each window, packed; the points of the agent's trends; the history of all together
//
// A question merges the panes of its window and the grains that lie in it: its price goes by panes and series, not by events.
//
// Memory goes by (series x panes x measures there are): about 10 KB for a series with everything in every pane (panes_memory in
// arbiter-bench measures it).
//
// Panes outlive what retention removes of the journal, up to the length of the longest window; `clear` empties them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/aggregate/availability.hpp"
#include "collector/aggregate/observer.hpp"
#include "collector/aggregate/points.hpp"
#include "collector/aggregate/profile.hpp"
#include "collector/aggregate/window.hpp"

namespace arbiter::aggregate {

class Panes final : public Observer {
 public:
  // By length; their slides are multiples of the shortest one, and divide their lengths (config/windows.hpp).
  explicit Panes(std::vector<Window> windows);

  const std::vector<Window>& windows() const { return windows_; }
  const Window* find(std::string_view name) const;  // null: there is none of that name
  const Window& longest() const { return windows_.back(); }

  // --- what there is of a window (one of windows()) at this time; under the follower's lock
  struct Span {
    std::int64_t from_ns, to_ns;
  };
  Span span(const Window& window, std::int64_t now_ns) const;
  Profile of_series(std::uint32_t series, const Window& window, std::int64_t now_ns) const;
  Profile of_all(const Window& window, std::int64_t now_ns) const;  // events of nobody included
  Profile of_nobody(const Window& window, std::int64_t now_ns) const;
  std::optional<Availability> availability(std::uint32_t agent, const Span& span, std::int64_t now_ns) const;  // nothing: it never said
  Points points(std::uint32_t agent, const std::vector<std::uint32_t>& series, const Window& window, std::int64_t now_ns) const;
  // One profile for each step of time, of all agents together; the steps are the slides of the next shorter window, where there is one.
  struct Step {
    std::int64_t from_ns, to_ns;
    Profile profile;
  };
  std::vector<Step> history(const Window& window, std::int64_t now_ns) const;

  struct Counts {
    std::uint64_t panes = 0, packed_bytes = 0, grains = 0;
    std::uint64_t too_old = 0;  // events before all windows when they came
  };
  Counts counts() const;

  // --- Observer
  void event(const Followed& event) override;
  void completed(const Completed& late) override;
  void forgotten_series(std::uint32_t series) override;
  void forgotten_agent(std::uint32_t agent) override;
  void cleared() override;
  void moment(const Moment& moment) override;
  std::string_view name() const override { return "panes"; }
  void save(const std::function<void(std::string_view piece)>& out) const override;
  bool load(std::string_view bytes) override;

 private:
  static constexpr std::size_t kGrainsMax = 3;  // of a series, before the oldest are put into panes

  struct Pane {
    std::uint32_t number;  // time / slide
    std::uint32_t size;
    std::unique_ptr<char[]> bytes;
    std::string_view packed() const { return {bytes.get(), size}; }
  };
  struct Grain {
    std::int64_t from_ns;
    Profile profile;
  };
  struct Series {
    std::uint32_t agent = kNobody;
    std::vector<std::unique_ptr<Grain>> grains;  // by when they were begun; the last is the one most likely wanted
    std::vector<std::vector<Pane>> levels;       // by window; each in order of number
  };

  Series& series_at(const Whom& whom);
  Profile& grain_at(Series& series, std::int64_t time_ns);
  void settle(Series& series, std::int64_t before_ns);  // grains that are over
  void settle_grain(Series& series, const Grain& grain);
  void add_to_pane(std::vector<Pane>& level, std::uint32_t number, const Profile& profile);
  void prune(Series& series, bool keeps_history);
  void merge(const Series& series, const Window& window, const Span& span, Profile& into) const;
  template <class Visit>
  void each_grain(Visit&& visit) const {  // that is not in all_ yet
    for (const Series& series : series_)
      for (const auto& grain : series.grains) visit(*grain);
    for (const auto& grain : nobody_.grains) visit(*grain);
  }
  std::int64_t kept_from(std::size_t level, bool keeps_history) const;
  void save_series(const Series& series, std::string& out) const;
  bool load_series(Unpacker& in, Series& series);

  const std::vector<Window> windows_;  // by length
  const std::int64_t grain_ns_;
  std::vector<Series> series_;
  Series nobody_;
  Series all_;                           // of everybody; its panes are kept for as long as the next longer window
  std::vector<StatusHistory> statuses_;  // by agent
  std::vector<AgentPoints> points_;      // by agent
  std::int64_t now_ns_ = 0;              // of the last moment
  std::int64_t oldest_ns_ = INT64_MIN;   // the first moment of the longest window
  std::int64_t settled_ns_ = INT64_MIN;  // grains before this were settled at the last moment
  std::uint64_t too_old_ = 0;
  std::string scratch_;
};

}  // namespace arbiter::aggregate
