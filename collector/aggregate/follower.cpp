#include "collector/aggregate/follower.hpp"

#include <algorithm>

#include "collector/journal/scan.hpp"
#include "collector/journal/totals.hpp"
#include "collector/thread.hpp"

namespace arbiter::aggregate {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kTurnShortest = 100ms, kTurnLongest = 1s;
constexpr auto kExpireEvery = 60s;
constexpr auto kReachLongest = 60s;

}  // namespace

Follower::Follower(Source source, Options options)
    : source_(std::move(source)), options_(std::move(options)), roster_(options_.agents_max), orphans_(options_.orphans_max) {}

Follower::~Follower() { stop(); }

void Follower::add(Observer& observer) { observers_.push_back(&observer); }

void Follower::start() {
  if (observers_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  checkpoint_due_ = now + options_.checkpoint_every;
  expire_due_ = now + kExpireEvery;
  thread_ = std::jthread([this](const std::stop_token& stopping) {
    begin_thread("follow", Urgency::soon);
    run(stopping);
  });
}

void Follower::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  reached_.notify_all();
}

void Follower::run(const std::stop_token& stopping) {
  std::chrono::milliseconds wait = kTurnShortest;
  while (!stopping.stop_requested()) {
    const bool took = turn();
    const auto now = std::chrono::steady_clock::now();
    if (now >= expire_due_) {
      expire();
      expire_due_ = now + kExpireEvery;
    }
    if (now >= checkpoint_due_) checkpoint();
    wait = took ? kTurnShortest : std::min<std::chrono::milliseconds>(2 * wait, kTurnLongest);
    std::unique_lock lock(mutex_);
    if (!moment_.behind) wake_.wait_for(lock, stopping, wait, [this] { return wanted_; });
    wanted_ = false;
  }
}

bool Follower::turn() {
  if (source_.committed() <= place_.frame) {
    tell_moment(false);
    return false;
  }
  const auto increment = source_.since(place_.frame);
  if (!increment) return false;
  take(*increment);
  return true;
}

void Follower::finish(const std::function<journal::Increment(std::uint64_t)>& since) {
  if (observers_.empty()) return;
  do take(since(place_.frame));
  while (moment_.behind);
  checkpoint();
}

void Follower::take(const journal::Increment& increment) {
  const journal::Increment::Facts& facts = increment.facts();
  const bool another = facts.store_unix_ns != facts_.store_unix_ns;
  if (another || facts.collection_started_ns != facts_.collection_started_ns) {
    const std::unique_lock lock = this->lock();
    facts_ = facts;
    forget_all();
    const bool asked_of_another = another && place_.frame != 0;
    // What was cleared is not missing.
    place_ = {another || place_.frame == 0 ? 0 : increment.empty() ? facts.committed : increment.first_frame() - 1, 0, 0};
    moment_.behind = true;
    if (asked_of_another) return;
  }
  facts_ = facts;
  const auto read = increment.read(place_, buffer_, [this](const journal::Frame& frame) {
    const std::unique_lock lock = this->lock();
    take_frame(frame);
  });
  if (read && read->missing != 0) {
    const std::unique_lock lock = this->lock();
    counts_.missing_frames += read->missing;
    complete_from_ns_ = std::max(complete_from_ns_, std::min(read->missing_until_ns, source_.times().now_ns));
  }
  if (!read && !std::exchange(warned_, true))
    source_.warn(read.error().message + ": the figures of agents stay behind until it can be read");
  if (read) warned_ = false;
  tell_moment(place_.frame < facts_.committed && read);
}

void Follower::take_frame(const journal::Frame& frame) {
  if ((frame.header.flags & journal::kClears) != 0) forget_all();
  journal::EntryReader entries(frame.body);
  while (entries.next()) {
    if (entries.type() == journal::EntryType::events) {
      journal::EventReader events(entries);
      while (events.next()) take_event(events.lane(), events.values(), frame.header.number);
    } else if (const auto amendment = journal::parse_amendment(entries)) {
      take_amendment(*amendment, frame.header.number);
    }
  }
  counts_.frame = frame.header.number;
}

void Follower::take_event(const LaneId& lane, const event::Values& values, std::uint64_t frame) {
  const std::int64_t time = journal::retention_time_of(values);
  const Followed event{values, lane, frame, time, roster_.whom(values, time)};
  if (values.kind == Kind::task_execution && !values.has(journal::field::kStarted) && event.whom.series != kNobody)
    orphans_.add(lane, values.sequence, {event.whom.series, time});
  for (Observer* const observer : observers_) observer->event(event);
  ++counts_.events;
}

void Follower::take_amendment(const journal::AmendmentView& amendment, std::uint64_t frame) {
  const std::int64_t duration = journal::duration_given(amendment);
  if (duration < 0) return;
  const auto orphan = orphans_.take(amendment.lane(), amendment.record.sequence);
  if (!orphan) {
    ++counts_.late_lost;
    return;
  }
  const Completed late{{roster_.series(orphan->series).agent, orphan->series}, orphan->time_ns, duration, frame};
  for (Observer* const observer : observers_) observer->completed(late);
}

void Follower::tell_moment(bool behind) {
  {
    const std::unique_lock lock = this->lock();
    const Times times = source_.times();
    moment_ = {place_.frame, times.now_ns, times.kept_ns, behind, facts_.losses, complete_from_ns_};
    for (Observer* const observer : observers_) observer->moment(moment_);
  }
  reached_.notify_all();
}

void Follower::expire() {
  const std::unique_lock lock = this->lock();
  const auto series_gone = [this](std::uint32_t series) {
    orphans_.forget_series(series);
    for (Observer* const observer : observers_) observer->forgotten_series(series);
  };
  const auto agent_gone = [this](std::uint32_t agent) {
    for (Observer* const observer : observers_) observer->forgotten_agent(agent);
  };
  roster_.expire(source_.times().kept_ns - options_.keep.count(), series_gone, agent_gone);
}

void Follower::forget_all() {
  roster_.clear();
  orphans_.clear();
  complete_from_ns_ = facts_.collection_started_ns;
  for (Observer* const observer : observers_) observer->cleared();
  drop_checkpoint();
}

Result<void> Follower::reach(std::uint64_t frame) {
  std::unique_lock lock(mutex_);
  wanted_ = true;
  wake_.notify_all();
  const auto until = std::chrono::steady_clock::now() + kReachLongest;
  const auto there = [&] { return moment_.frame >= frame; };
  if (!reached_.wait_until(lock, until, [&] { return there() || thread_.get_stop_token().stop_requested(); }) || !there())
    return Error{"the figures of agents are behind the journal: ask again later, or without --fresh", 503};
  return {};
}

void Follower::set_limits(std::uint64_t agents_max, std::uint64_t orphans_max) {
  const std::unique_lock lock = this->lock();
  roster_.set_agents_max(agents_max);
  orphans_.set_most(orphans_max);
}

Follower::Counts Follower::counts() const {
  const std::lock_guard lock(mutex_);
  Counts counts = counts_;
  counts.agents = roster_.agents();
  counts.series = roster_.series_in_use();
  counts.overflowed = roster_.overflowed();
  counts.orphans = orphans_.size();
  return counts;
}

}  // namespace arbiter::aggregate
