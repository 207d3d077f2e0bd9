// Watches every agent, and every agent at every type of task: hands the outcomes that the follower brings to their series, has them judged
// every kTick of their own time, and tells what it finds.
//
// What it finds follows from the events alone, but for where the ticks between them fall while nothing comes; so after a kill the same is
// found again, and whoever is told knows it by its id. No clock raises anything: ticks decide when what is there is looked at.
//
// False alarms: with `false_alarms_per_month` as the budget of the whole, each tick of each chart spends an equal part of what the time of
// a tick is worth: divided by the charts there are then, and by two, as a series may be looked at once by its own time and once by that of
// the collector. Agents that went offline, and losses, are no statistics: they are told as they are.
//
// Memory: about 2 KB for each share, 6 KB for latencies, of each agent and each series; kChartsMax of them in all, agents first.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "collector/aggregate/observer.hpp"
#include "collector/detect/finding.hpp"
#include "collector/detect/latency.hpp"
#include "collector/detect/series.hpp"
#include "collector/detect/threshold.hpp"

namespace arbiter::detect {

class Detector final : public aggregate::Observer {
 public:
  static constexpr std::int64_t kTick = 10'000'000'000;
  static constexpr std::size_t kChartsMax = 60'000;
  static constexpr std::uint32_t kNumberMax = 1 << 24;  // of a checkpoint that can be believed
  static constexpr std::size_t kShares = 4;             // measures that are shares as they come

  struct Options {
    double false_alarms_per_month = 1;
    bool thresholds = false;  // instead, of agents alone (threshold.hpp)
    Limits limits = {};
  };
  // `tell` is called from within event(), completed(), moment() and so on.
  Detector(const Options& options, std::function<void(const Finding&)> tell);
  ~Detector() override;

  void event(const aggregate::Followed& event) override;
  void completed(const aggregate::Completed& late) override;
  void forgotten_series(std::uint32_t series) override;
  void forgotten_agent(std::uint32_t agent) override;
  void cleared() override;
  void moment(const aggregate::Moment& moment) override;
  std::string_view name() const override { return "detector"; }
  void save(const std::function<void(std::string_view piece)>& out) const override;
  bool load(std::string_view bytes) override;

  // But `thresholds`, which is what it was made with.
  void set_options(const Options& options);
  std::size_t charts() const { return charts_; }
  std::int64_t now_ns() const { return now_ns_; }  // of the last moment
  // Calls each(number, whole_agent, type) for what is risen now.
  void each_open(const std::function<void(std::uint32_t number, bool whole_agent, Type type)>& each) const;
  // And each(number, whole_agent, measure, why) for what abstains.
  void each_abstaining(const std::function<void(std::uint32_t number, bool whole_agent, Measure measure)>& each) const;

 private:
  struct Watched {  // one agent, or one at one type of task
    std::uint32_t number = 0;
    bool whole_agent = false;
    bool waits = false, listed = false;  // to be judged; in to_judge_
    bool offline = false;
    std::int64_t time_ns = 0, judged_ns = 0;  // of its latest event; of its latest tick
    std::array<std::unique_ptr<RateSeries>, kShares> shares;
    std::unique_ptr<LatencySeries> latency;
    std::unique_ptr<Thresholds> thresholds;

    const RateSeries* chart(Measure measure) const;  // null: there is none
    bool risen_of(Type type) const;
  };
  Watched* watched(bool whole_agent, std::uint32_t number);
  void outcome(aggregate::Whom whom, Measure measure, bool bad, std::int64_t time_ns);
  void latency(aggregate::Whom whom, double ms, std::int64_t time_ns);
  void utilization(aggregate::Whom whom, double share, std::int64_t time_ns);
  void registered(aggregate::Whom whom, const event::Values& values, std::int64_t time_ns);
  template <class Take>
  void take(bool whole_agent, std::uint32_t number, std::int64_t time_ns, const Take& take);
  Thresholds* thresholds_of(Watched& watched) const;  // null: this detector, or this series, has none
  void judge(Watched& watched);
  void judge_thresholds(Watched& watched);
  void tell(Watched& watched, Measure measure, RateSeries::Event event, const RateSeries& series, std::int64_t now_ns);
  void status(std::uint32_t agent, bool offline, std::int64_t time_ns);
  void look_for_losses(const aggregate::Moment& moment);
  void forget(std::vector<std::unique_ptr<Watched>>& of, std::uint32_t number);
  double spend() const;

  Options options_;
  std::function<void(const Finding&)> tell_;
  std::vector<std::unique_ptr<Watched>> agents_, series_;
  std::vector<Watched*> to_judge_;
  std::size_t charts_ = 0;
  std::int64_t now_ns_ = 0, swept_ns_ = 0, recorded_ns_ = 0;
  struct Losses {
    std::uint64_t seen = 0, before = 0, events = 0;  // in all; when the present loss began; handed on since
    std::int64_t began_ns = 0, last_ns = 0;
    std::uint8_t known = 0, open = 0;
  } losses_;
};

}  // namespace arbiter::detect
