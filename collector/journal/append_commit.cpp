// From the first append to the committed frame, and on to the next segment.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "collector/journal/scan.hpp"
#include "collector/journal/state.hpp"
#include "collector/journal/wire.hpp"
#include "shm/clock.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

constexpr std::uint64_t kTailRoom = 1 << 20;  // a segment with less room than this is full
// With each byte of a frame go so many of the state that opens the next segment, and at least a slice.
constexpr std::uint64_t kStateToFrames = 4;
constexpr std::size_t kSlice = 256 << 10;

}  // namespace

std::int64_t unix_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// --- the frame being built

EventRef Journal::State::append(const LaneId& lane, const event::Values& values, std::span<const std::byte> original) {
  frame_.event(lane, values, original);
  pending_.add(lane, values, generic_name(names_, values));
  pending_stamp_ns_ = std::max(pending_stamp_ns_, static_cast<std::int64_t>(values.stamp));
  return {lane, values.sequence, time_of(values), retention_time_of(values), {last_frame_ + 1}};
}

void Journal::State::advance(const LaneId& lane, const Cursor& to) {
  LaneState& state = lanes_[lane];
  state.current = to;
  if (!state.changed) changed_.push_back(lane);
  state.changed = true;
}

void Journal::State::close_lane(const LaneId& lane, const Cursor& last, std::uint64_t in_flight) {
  LaneState& state = lanes_[lane];
  if (state.closing) return;
  state.current = last;
  state.closing = true;
  frame_.close(lane, last, in_flight);
}

// --- commit

Result<void> Journal::State::commit() {
  absorb();
  if (pending()) {
    if (auto written = write_frame(); !written) return written;
  }
  if (disposal_due_) dispose_dead();
  const bool ready = prepare_next();
  if (rotation_due_ || ready || full(active())) rotate_or_grow();
  return {};
}

// A table may be large (there are as many lanes as producers please to have): a segment takes in at least as much in frames before it is
// full, so that writing is never mostly the writing of tables.
std::uint64_t Journal::State::room_of(const Segment& segment) const {
  return std::max(options_.segment_bytes, 2 * segment.table_end) - segment.table_end;
}

bool Journal::State::full(const Segment& segment, std::uint64_t lead) const {
  const std::uint64_t tail_room = std::min(kTailRoom, options_.segment_bytes / 8);
  return segment.end + tail_room + lead > segment.table_end + room_of(segment);
}

// Writes some more of the next segment, once this one is so full that it is time for that. True: little is missing of it. What the system
// says against it is told when the segment is due.
bool Journal::State::prepare_next() {
  if (next_ == nullptr) {
    const std::uint64_t lead = participant_.saved_bytes() / (kStateToFrames - 1);  // frames bring state to be written, too
    if (!full(active(), std::min(lead, room_of(active()) / 2)) || !begin_next()) return false;
    prepared_from_ = active().end;
  }
  const std::uint64_t due = kStateToFrames * (active().end - prepared_from_);
  prepared_from_ = active().end;
  const bool ready = participant_.save_some(to_next(), std::max<std::size_t>(kSlice, due));
  ARBITER_TESTPOINT("rotate.state_slice");
  return ready;
}

Result<void> Journal::State::begin_next() {
  const std::uint64_t index = segments_.empty() ? 1 : segments_.rbegin()->first + 1;
  auto begun = SegmentMaker::begin(
      options_.directory, {index, options_.key_fingerprint, options_.segment_bytes, unix_now_ns(), take_spare(), options_.keys.writing()});
  if (!begun) return begun.error();
  next_ = std::move(*begun);
  participant_.begin_saving(to_next());
  return {};
}

void Journal::State::drop_next() {
  if (next_ == nullptr) return;
  next_.reset();
  participant_.give_up_saving();
}

Participant::Out Journal::State::to_next() {
  return [this](std::string_view piece) { next_->add(piece); };
}

// With the frame in, the participant's state is that of the journal: now is when a table can be made. If there is no room for another
// segment, this one grows, as long as there is room for that.
void Journal::State::rotate_or_grow() {
  const auto rotated = rotate();
  if (!rotated && !rotation_failing_) say(rotated.error().message + ": the present segment grows until another can be made");
  if (!rotated) write_failed(rotated.error(), rotation_failing_);
  rotation_failing_ = rotation_due_ = !rotated;
}

void Journal::State::write_failed(const Error& error, bool& failing) {
  if (!failing) ++write_failures_;
  failing = true;
  last_failure_ = error.message;
}

void Journal::State::say(std::string failure) {
  constexpr std::size_t most = 16;  // who does not ask
  if (failures_.size() < most) failures_.push_back(std::move(failure));
}

Result<void> Journal::State::write_frame() {
  for (const LaneId& lane : changed_)
    if (LaneState& state = lanes_.find(lane)->second; state.changed) {
      state.changed = false;
      if (!state.closing) frame_.cursor(lane, state.current);
    }
  changed_.clear();

  Segment& segment = active();
  FramePlace place;
  place.key = segment.file->key;
  place.previous = segment.previous;
  place.number = last_frame_ + 1;
  place.written_unix_ns = unix_now_ns();
  place.edge = edges_.edge();
  place.clears = clearing_;
  Summary arrived = pending_;
  if (clearing_) {
    place.floor = kAfterAll;
    place.edge = kBeforeAll;
  } else if (pending_.events != 0 && pending_.min_key < place.edge) {
    arrived = summarise(frame_.body(), place.edge, names_);
    if (binding_ < place.edge) {
      const Summary allowed = summarise(frame_.body(), binding_, names_);
      if (allowed.events != arrived.events) {
        place.floor = place.edge;
        place.edge = binding_;
        arrived = allowed;
      }
    }
  }
  const auto bytes = frame_.finish(place);
  ARBITER_TESTPOINT("journal.frame_built");
  const std::uint64_t began_ns = monotonic_ns();
  const auto written = segment.file->file->write(bytes, segment.end);
  timings_.write_ns.add(monotonic_ns() - began_ns);
  if (!written) {
    write_failed(written.error(), write_failing_);
    out_of_room_ = written.error().code == ENOSPC || written.error().code == EDQUOT;
    return written.error().while_(segment.path);
  }
  ARBITER_TESTPOINT("journal.frame_written");
  write_failing_ = out_of_room_ = false;
  timings_.written_bytes += bytes.size();

  const Frame frame = frame_.frame();
  const bool first = segment.first_frame > segment.last_frame;
  take_in(frame, pending_.totals, pending_stamp_ns_);
  ARBITER_TESTPOINT("aggregate.lifetime");
  index(segment, frame, arrived);
  ARBITER_TESTPOINT("aggregate.retained");
  syncer_.written(segment.file->file, segment.file->key, segment.index, last_frame_, first);
  if (clearing_) participant_.replay_clear();
  reset_frame();
  return {};
}

void Journal::State::reset_frame() {
  frame_.reset();
  pending_ = {};
  pending_stamp_ns_ = std::numeric_limits<std::int64_t>::min();
  edge_moved_ = false;
  clearing_ = false;
}

// What a frame changes in the state that tables hold. The same for a frame just written and for one that recovery reads.
void Journal::State::take_in(const Frame& frame, const Totals& events, std::int64_t newest_stamp_ns) {
  const FrameHeader& header = frame.header;
  last_frame_ = header.number;
  if ((header.flags & kBeginsEra) != 0)
    edges_.begin_era(header.number, key_of(header.floor), key_of(header.edge));
  else
    edges_.raise(key_of(header.edge));
  lifetime_ += events;
  last_updated_ns_ = std::max(last_updated_ns_, newest_stamp_ns);

  EntryReader entries(frame.body);
  while (entries.next()) {
    Reader in(entries.payload());
    switch (entries.type()) {
      case EntryType::events: break;
      case EntryType::cursors:
        for (std::uint32_t left = entries.count(); left > 0 && in.left() >= sizeof(CursorRecord); --left) {
          const auto record = in.get<CursorRecord>();
          LaneState& state = lanes_[lane_of(record.lane)];
          state.committed = cursor_of(record);
          if (!state.changed && !state.closing) state.current = state.committed;
          state.known = true;
        }
        break;
      case EntryType::closes:
        for (std::uint32_t left = entries.count(); left > 0 && in.left() >= sizeof(CloseRecord); --left) {
          const auto record = in.get<CloseRecord>();
          closed_ += ClosedLanes(cursor_of(record.last), record.in_flight);
          ARBITER_TESTPOINT("aggregate.closed");
          lanes_.erase(lane_of(record.last.lane));
        }
        break;
      case EntryType::amendment:
        if (const auto amendment = parse_amendment(entries))
          if (const std::int64_t duration = duration_given(*amendment); duration >= 0) {
            ++lifetime_.joined;
            lifetime_.duration_ns += duration;
          }
        break;
      case EntryType::anchor: {
        const auto record = in.get<AnchorRecord>();
        anchors_[record.segment] = record.link;
        break;
      }
      case EntryType::clear: {
        const auto record = in.get<ClearRecord>();
        cleared_ += record.events;
        collection_started_ns_ = record.at_unix_ns;
        break;
      }
    }
  }
}

// What a frame just written changes in the index.
void Journal::State::index(Segment& segment, const Frame& frame, const Summary& arrived) {
  const FrameHeader& header = frame.header;
  const std::uint64_t offset = segment.end;
  const auto bytes = static_cast<std::uint32_t>(frame.bytes());
  if ((header.flags & kClears) != 0) forget_events();
  if (segment.blocks.empty() || !fits_block(segment.blocks.back().place.raw_bytes, bytes, header.flags)) {
    Block& block = segment.blocks.emplace_back(&segment, static_cast<std::uint32_t>(segment.blocks.size()));
    block.place.offset = offset;
    block.first_frame = header.number;
  }
  Block& block = segment.blocks.back();
  block.place.raw_bytes += bytes;
  block.place.stored_bytes = block.place.raw_bytes;
  block.last_frame = header.number;
  if (segment.first_frame > segment.last_frame) segment.first_frame = header.number;
  segment.last_frame = header.number;
  segment.last_offset = offset;
  segment.end += bytes;
  segment.previous = header.checksum;
  segment.disk_bytes = std::max(segment.disk_bytes, segment.end);
  retained_.add(block, arrived, key_of(header.edge), frame.body);

  EntryReader entries(frame.body);
  while (entries.next())
    if (const auto amendment = parse_amendment(entries)) {
      const AmendmentPlace place{offset + sizeof(FrameHeader) + entries.offset(), entries.bytes()};
      index_amendment(segment, place, amendment->record, duration_given(*amendment));
    }
}

void Journal::State::index_amendment(Segment& holder, const AmendmentPlace& place, const AmendmentRecord& record,
                                     std::int64_t duration_ns) {
  holder.amendments.push(place);
  const EventKey key{record.retention_ns, lane_of(record.lane), record.sequence};
  Block* const block = find_block(segments_, record.frame);
  if (block == nullptr || !retained_.holds(*block, key)) return;
  block->amendments.push({key.lane, holder.amendments.size() - 1, key.sequence, holder.index, duration_ns});
  ++holder.amendments_held;
  if (duration_ns >= 0) retained_.give_duration(*block, key, duration_ns);
}

// --- rotation

Table Journal::State::table() const {
  Table t;
  t.last_frame = last_frame_;
  if (!segments_.empty()) {
    t.previous_segment = segments_.rbegin()->first;
    t.previous_end = segments_.rbegin()->second.end;
  }
  t.edge = edges_.edge();
  t.eras = edges_.eras();
  t.lifetime = lifetime_;
  t.cleared = cleared_;
  t.created_unix_ns = created_unix_ns_;
  t.collection_started_ns = collection_started_ns_;
  t.last_updated_ns = last_updated_ns_;
  t.closed = closed_;
  t.lanes.reserve(lanes_.size());
  for (const auto& [lane, state] : lanes_)
    if (state.known && !ARBITER_WRONG("cursors_only_in_frames")) t.lanes.emplace_back(lane, state.committed);
  for (const auto& [index, link] : anchors_) {  // those that a segment that is still there, or the next to be sealed, is linked to
    const bool needed = index == newest_sealed_.segment || segments_.contains(index) ||
                        std::any_of(segments_.begin(), segments_.end(), [&, gone = index](const auto& s) {
                          return s.second.state == SegmentState::sealed && s.second.previous_index == gone;
                        });
    if (needed) t.anchors.push_back({index, link});
  }
  return t;
}

Result<void> Journal::State::rotate() {
  if (next_ == nullptr)
    if (const auto begun = begin_next(); !begun) return begun;
  participant_.finish_saving(to_next());
  const auto made = std::exchange(next_, nullptr)->finish(table());
  if (!made) return made.error();
  const std::uint64_t index = made->header.index;
  Segment* const before = segments_.empty() ? nullptr : &active();
  Segment& s = segments_[index];
  s.index = index;
  s.file = std::make_shared<SegmentFile>(SegmentFile{made->file, made->header.key, index, false, made->cipher});
  s.path = options_.directory + "/" + raw_name(index);
  s.created_unix_ns = made->header.created_unix_ns;
  s.disk_bytes = made->size;
  s.end = s.table_end = made->end;
  s.previous = s.table_checksum = made->previous;
  s.table_frame = last_frame_;
  ARBITER_TESTPOINT("rotate.taken_in");
  if (before != nullptr && before->state == SegmentState::active) {
    before->state = SegmentState::full;
    seal(*before);
  }
  ARBITER_TESTPOINT("journal.rotated");
  return {};
}

}  // namespace arbiter::journal
