#include "collector/journal/journal.hpp"

#include <iterator>
#include <utility>

#include "collector/journal/increment.hpp"
#include "collector/journal/state.hpp"
#include "collector/journal/view.hpp"

namespace arbiter::journal {
namespace {

template <class Array>
void add_all(Array& to, const Array& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

template <class Array>
std::uint64_t sum(const Array& counts) {
  std::uint64_t n = 0;
  for (const std::uint64_t count : counts) n += count;
  return n;
}

}  // namespace

ClosedLanes::ClosedLanes(const Cursor& last, std::uint64_t in_flight_at_end)
    : lanes(1),
      delivered(last.delivered),
      quarantined(last.quarantined),
      rewound(last.rewound),
      attempted(last.attempted),
      in_flight(in_flight_at_end),
      dropped_by(last.dropped_by),
      refused_by(last.refused_by) {}

ClosedLanes& ClosedLanes::operator+=(const ClosedLanes& o) {
  lanes += o.lanes;
  delivered += o.delivered;
  quarantined += o.quarantined;
  rewound += o.rewound;
  attempted += o.attempted;
  in_flight += o.in_flight;
  add_all(dropped_by, o.dropped_by);
  add_all(refused_by, o.refused_by);
  return *this;
}

Journal::State::State(const Options& options, Participant& participant)
    : options_(options),
      frame_(options.keys.writing()),
      participant_(participant),
      syncer_(options.directory, options.sync, options.sync_interval),
      background_(options.directory, options.link_key, options.keys.writing(), syncer_) {}

Statistics Journal::State::statistics() const {
  Statistics s;
  s.retained = retained_.totals();
  s.lifetime.totals = lifetime_;
  s.lifetime.cleared = cleared_;
  s.lifetime.retained_out = lifetime_.events() - cleared_ - retained_.events();
  s.lifetime.created_unix_ns = created_unix_ns_;
  s.closed = closed_;
  s.collection_started_ns = collection_started_ns_;
  s.last_updated_ns = last_updated_ns_;
  s.disk_bytes = disk_bytes();
  s.segments = segments_.size();
  for (const auto& [index, segment] : segments_) s.sealed += segment.state == SegmentState::sealed;
  s.frames = last_frame_;
  s.damaged_blocks = damage_->blocks();
  s.sync_failures = sync_failures_;
  s.broken_links = broken_links_;
  s.write_failures = write_failures_;
  s.cannot_rotate = rotation_failing_;
  s.last_failure = last_failure_;
  return s;
}

Timings Journal::State::timings() const {
  Timings timings = timings_;
  timings.sync_ns = syncer_.durations();
  return timings;
}

std::uint64_t Journal::State::losses() const {
  std::uint64_t losses = closed_.quarantined + sum(closed_.dropped_by) + sum(closed_.refused_by);
  for (const auto& [lane, state] : lanes_)
    if (state.known) losses += state.committed.quarantined + sum(state.committed.dropped_by) + sum(state.committed.refused_by);
  return losses;
}

std::shared_ptr<const View> Journal::State::view() const {
  const Segment& newest = segments_.rbegin()->second;
  auto view = std::make_shared<JournalView>(statistics(), losses(),
                                            ViewCursor{created_unix_ns_, newest.index, last_frame_, newest.amendments.size()}, damage_);
  for (const auto& [index, segment] : segments_) view->add(segment);
  return view;
}

Increment Journal::State::since(std::uint64_t frame) const {
  Increment increment;
  increment.facts_ = {created_unix_ns_, collection_started_ns_, last_frame_, losses()};
  auto segment = segments_.end();
  // Right after a rotation the newest segment has no frame yet: what is asked for is before it.
  const auto later = [frame](const Segment& s) { return s.last_frame > frame || s.first_frame > s.last_frame; };
  while (segment != segments_.begin() && later(std::prev(segment)->second)) --segment;
  for (; segment != segments_.end(); ++segment) {
    const Segment& s = segment->second;
    auto block = s.blocks.end();
    while (block != s.blocks.begin() && std::prev(block)->last_frame > frame) --block;
    for (; block != s.blocks.end(); ++block) {
      if (increment.blocks_.size() == Increment::kBlocksMax) return increment;
      increment.blocks_.push_back({s.file, block->number, block->place, block->first_frame, block->last_frame});
    }
  }
  return increment;
}

// --- what callers see

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Journal::~Journal() = default;

Result<std::unique_ptr<Journal>> Journal::open(const Options& options, Participant& participant) {
  auto state = std::make_unique<State>(options, participant);
  if (const auto recovered = state->recover(); !recovered) return recovered.error().while_("journal");
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

const Cursor* Journal::cursor(const LaneId& lane) const {
  const auto it = state_->lanes_.find(lane);
  return it == state_->lanes_.end() ? nullptr : &it->second.current;
}

void Journal::open_lane(const LaneId& lane, const Cursor& start) { state_->advance(lane, start); }
EventRef Journal::append(const LaneId& lane, const event::Values& values, std::span<const std::byte> original) {
  return state_->append(lane, values, original);
}
void Journal::amend(const EventRef& target, const event::Values& patch) { state_->frame_.amendment(target, patch); }
void Journal::advance(const LaneId& lane, const Cursor& to) { state_->advance(lane, to); }
void Journal::close_lane(const LaneId& lane, const Cursor& last, std::uint64_t in_flight) { state_->close_lane(lane, last, in_flight); }
std::size_t Journal::pending_bytes() const { return state_->frame_.empty() ? 0 : state_->frame_.bytes(); }
bool Journal::pending() const { return state_->pending(); }
Result<void> Journal::commit() { return state_->commit(); }
std::uint64_t Journal::newest_segment() const { return state_->newest_segment(); }
std::uint64_t Journal::committed_frame() const { return state_->last_frame_; }
std::uint64_t Journal::durable_frame() const { return state_->durable_frame(); }
bool Journal::reach(std::uint64_t frame) { return state_->reach(frame); }

void Journal::retain(std::int64_t now_ns) { state_->retain(now_ns); }
void Journal::set_retention(const Retention& retention) { state_->set_retention(retention); }
void Journal::set_sync(SyncPolicy policy, std::chrono::milliseconds interval) { state_->set_sync(policy, interval); }
Statistics Journal::statistics() const { return state_->statistics(); }
Timings Journal::timings() const { return state_->timings(); }
Troubles Journal::troubles() const { return state_->troubles(); }
std::vector<std::string> Journal::take_failures() { return std::exchange(state_->failures_, {}); }
std::shared_ptr<const View> Journal::view() const { return state_->view(); }
Increment Journal::since(std::uint64_t frame) const { return state_->since(frame); }

std::vector<std::pair<LaneId, Cursor>> Journal::lanes() const {
  std::vector<std::pair<LaneId, Cursor>> open;
  open.reserve(state_->lanes_.size());
  for (const auto& [lane, state] : state_->lanes_)
    if (!state.closing) open.emplace_back(lane, state.current);
  return open;
}

Result<void> Journal::clear() { return state_->clear(); }
Result<void> Journal::checkpoint() { return state_->checkpoint(); }
Result<void> Journal::close() { return state_->close(); }

}  // namespace arbiter::journal
