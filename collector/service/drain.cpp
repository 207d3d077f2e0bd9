#include "collector/service/drain.hpp"

#include <algorithm>
#include <utility>

#include "collector/log/log.hpp"
#include "shm/checked_event.hpp"
#include "shm/clock.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::service {
namespace {

using ingest::Lane;
using ingest::Source;
using schema::field;

constexpr std::size_t kBatchBytes = 256 * 1024;  // of one lane, at a time

constexpr unsigned kStartedAt = field(Kind::task_execution, "startedAtNs");
constexpr unsigned kStartedTicks = field(Kind::task_execution, "startedTicks");
constexpr unsigned kCensored = field(Kind::task_start, "censored");

// Attempts that the account says nothing about: at most the one that a kill interrupted, unless the lane had to be given up.
std::uint64_t unaccounted(const journal::Cursor& c) {
  const std::uint64_t known = c.delivered + c.quarantined + c.rewound + c.dropped + c.refused;
  return c.attempted > known ? c.attempted - known : 0;
}

// No lane counts so far: at twenty million calls a second it takes seven years. Sums of thousands of them stay within 64 bits.
constexpr std::uint64_t kCountMax = std::uint64_t{1} << 52;

// Counts only grow, and no more attempts end than are made: the producer stores, and the reader loads, in the order that keeps this so.
bool may_follow(const journal::Cursor& before, const LaneReader::Account& account) {
  const auto grown = [](const auto& counts, const auto& least) {
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i] < least[i] || counts[i] > kCountMax) return false;
    return true;
  };
  return account.attempted >= before.attempted && account.attempted <= kCountMax && grown(account.dropped, before.dropped_by) &&
         grown(account.refused, before.refused_by) && account.dropped_total() + account.refused_total() <= account.attempted;
}

}  // namespace

Drain::Drain(ingest::Lanes& lanes, ingest::Timeline& timeline, privacy::Anonymizer& anonymizer, join::Join& join, journal::Journal& journal,
             ingest::Quarantine& quarantine, journal::SyncPolicy sync)
    : lanes_(lanes),
      timeline_(timeline),
      anonymizer_(anonymizer),
      join_(join),
      amend_([this](const journal::EventRef& target, const event::Values& patch) { journal_.amend(target, patch); }),
      journal_(journal),
      quarantine_(quarantine),
      sync_(sync),
      buffer_(kBatchBytes) {}

void Drain::adopt_new(Source& source) {
  if (source.poisoned) return;
  for (Lane* lane : lanes_.newly_used(source)) adopt(*lane);
}

void Drain::adopt(Lane& lane) {
  if (const journal::Cursor* known = journal_.cursor(lane.id); known != nullptr && ARBITER_WRONG("recover_from_shared_cursor"))
    lane.cursor = {.position = lane.reader.acknowledged(), .delivered = lane.reader.acknowledged_events()};
  else if (known != nullptr)
    lane.cursor = *known;
  else
    journal_.open_lane(lane.id, lane.cursor);
  ARBITER_TESTPOINT("drain.adopted");
  lane.acknowledged = lane.reader.acknowledged();
  if (lane.acknowledged <= lane.cursor.position || lane.acknowledged > lane.reader.published()) return;
  // A later state than this one has acknowledged more: the journal was restored from a backup, or wiped. That room has been written again.
  const std::uint64_t taken = lane.cursor.delivered + lane.cursor.quarantined + lane.cursor.rewound;
  // The producer can write there too: what the positions have no room for is not believed.
  const std::uint64_t laps = lane.acknowledged.lap() - lane.cursor.position.lap();
  const std::uint64_t acknowledged = std::min(lane.reader.acknowledged_events(), taken + (laps + 1) * lane.reader.records());
  if (acknowledged > taken) lane.cursor.rewound += acknowledged - taken;
  lane.cursor.position = lane.acknowledged;
  log::warning("ingest", "lane {} of {}: {} events were taken by a state that is not this one: counted as state_rewound", lane.id.lane,
               segment_name(lane.id.segment), lane.cursor.rewound);
  touch(lane);
}

void Drain::note_account(Source& source, Lane& lane) {
  if (source.poisoned) return;
  const LaneReader::Account account = lane.reader.account();
  if (source.segment.poisoned()) return;  // zeros; the next pass finds it
  if (!may_follow(lane.cursor, account)) {
    if (!std::exchange(lane.account_lies, true)) {
      ++counts_.impossible_accounts;
      log::error("ingest", "lane {} of {} (pid {}): its account went back, or is impossible: its last good figures stay", lane.id.lane,
                 segment_name(lane.id.segment), source.segment.header().pid);
    }
    return;
  }
  lane.cursor.attempted = account.attempted;
  counts_.dropped += account.dropped_total() - lane.cursor.dropped;
  lane.cursor.dropped = account.dropped_total();
  lane.cursor.refused = account.refused_total();
  std::copy(account.dropped.begin(), account.dropped.end(), lane.cursor.dropped_by.begin());
  std::copy(account.refused.begin(), account.refused.end(), lane.cursor.refused_by.begin());
}

void Drain::touch(Lane& lane) {
  journal_.advance(lane.id, lane.cursor);
  if (!std::exchange(lane.touched, true)) unacknowledged_.push_back(&lane);
}

Drain::Passed Drain::pass() {
  const std::uint64_t began_ns = monotonic_ns();
  Passed passed = Passed::idle;
  if (journal_.pending() && !commit()) return Passed::blocked;
  for (Source& source : lanes_.sources()) {
    const bool ended = source.ended;  // known before its positions are read: what is found then is the last
    Passed from_this = Passed::idle;
    adopt_new(source);
    for (Lane& lane : source.lanes)
      if (!lane.quarantined && !take(source, lane, from_this)) return Passed::blocked;
    if (source.segment.poisoned() && !source.poisoned) quarantine_truncated(source);
    source.drained = ended && from_this == Passed::idle;
    passed = std::max(passed, from_this);
  }
  if (!commit()) return Passed::blocked;
  if (passed != Passed::idle) meters_.pass_ns.add(monotonic_ns() - began_ns);
  close_drained();
  return passed;
}

// One batch of one lane into the frame. False: the frame is full and cannot be written.
bool Drain::take(Source& source, Lane& lane, Passed& passed) {
  const LaneReader::Copied copied = lane.reader.copy(lane.cursor.position, buffer_);
  if (source.segment.poisoned()) {
    if (!source.poisoned) quarantine_truncated(source);
    return true;
  }
  if (copied.events != 0) {
    ARBITER_TESTPOINT("drain.copied");
    const EventWalk events{std::span(buffer_).first(copied.bytes)};
    auto event = events.begin();
    const std::uint64_t delivered = lane.cursor.delivered;
    take_event(source, lane, *event);
    // What is set aside has no stamp that would be believed.
    const bool aged = lane.cursor.delivered != delivered;
    if (aged && lane.waiting == 0) lane.oldest_ns = lane.cursor.stamp_ns;
    while (++event != events.end()) take_event(source, lane, *event);
    if (aged) lane.waiting += lane.cursor.delivered - delivered;
    meters_.batch_events.add(copied.events);
    lane.cursor.position = copied.next;
    note_account(source, lane);
    touch(lane);
    ++counts_.batches;
    passed = std::max(passed, copied.bytes > buffer_.size() - abi::kEventBytesMax ? Passed::more : Passed::some);
    ARBITER_TESTPOINT("drain.framed");
  }
  if (copied.fault != LaneReader::Fault::none)
    quarantine_lane(source, lane,
                    copied.fault == LaneReader::Fault::bad_position ? "its write position is impossible" : "its framing is impossible");
  return journal_.pending_bytes() < journal::Journal::kFrameBytes || commit();
}

void Drain::take_event(Source& source, Lane& lane, std::span<const std::byte> bytes) {
  event::Values& v = values_;
  const event::Checked checked = event::decode_and_validate(bytes, v);
  if (checked.shape != event::Malformed::none) return set_aside(lane, bytes, 0, {}, {}, event::malformed_text(checked.shape));
  const std::string_view type = schema::info(v.kind).type;
  if (v.sequence <= lane.cursor.sequence) return set_aside(lane, bytes, v.sequence, type, {}, "its sequence is not above the one before");
  lane.cursor.sequence = v.sequence;
  if (const event::Fault& bad = checked.fault) {
    const std::string_view field_name = bad.field == event::kNoField ? std::string_view{} : schema::info(v.kind).fields[bad.field].path;
    return set_aside(lane, bytes, v.sequence, type, field_name, event::refusal_text(bad.rule));
  }

  const std::uint32_t came_with = v.present;

  const abi::ClockSource clock = source.segment.header().clock;
  lane.cursor.stamp_ns = std::max(lane.cursor.stamp_ns, timeline_.unix_ns(clock, v.stamp));
  v.stamp = static_cast<std::uint64_t>(lane.cursor.stamp_ns);
  if (v.kind == Kind::task_execution && v.has(kStartedTicks)) {
    if (!v.has(kStartedAt)) v.set_time(kStartedAt, timeline_.unix_ns(clock, v.count(kStartedTicks)));
    v.clear(kStartedTicks);
  }
  if (v.kind == Kind::task_start) v.clear(kCensored);  // the collector's own to set

  anonymizer_.lift_ids(v);
  const privacy::Applied applied = anonymizer_.apply(v);
  if (applied.oversize) ++counts_.oversize;
  const join::Keys keys = join_.keys(v);
  join_.resolve(v, keys);
  // The join only adds fields, and what is cleared above was there; to generic events ids are given anew.
  const bool as_it_came = v.present == came_with && !applied.changed && v.kind != Kind::generic;
  const journal::EventRef ref = journal_.append(lane.id, v, as_it_came ? bytes : std::span<const std::byte>());
  ARBITER_TESTPOINT("drain.appended");
  join_.settle(v, keys, ref, amend_);
  ARBITER_TESTPOINT("drain.joined");
  ++lane.cursor.delivered;
  ++counts_.events;
  counts_.completions += v.kind == Kind::task_execution ? 1 : 0;
}

void Drain::set_aside(Lane& lane, std::span<const std::byte> bytes, std::uint64_t sequence, std::string_view kind,
                      std::string_view field_name, std::string_view reason) {
  ++lane.cursor.quarantined;
  quarantine_.put({lane.id, sequence, kind, field_name, reason, bytes, timeline_.now_ns()});
  ARBITER_TESTPOINT("quarantine.event");
  if (std::exchange(lane.set_aside_said, true)) return;
  log::warning("ingest", "lane {} of {}: an event {}{}{}: set aside; more of this lane are only counted", lane.id.lane,
               segment_name(lane.id.segment), field_name, field_name.empty() ? "" : " ", reason);
}

// Whatever was read since is zeros. What was taken before is kept; nothing of it is read again, its account included.
void Drain::quarantine_truncated(Source& source) {
  source.poisoned = source.quarantined = true;
  for (Lane& lane : source.lanes)
    if (!std::exchange(lane.quarantined, true)) ++counts_.quarantined_lanes;
  constexpr std::string_view reason = "the file was truncated while it was mapped";
  quarantine_.put({{source.segment.id(), 0}, 0, {}, {}, reason, {}, timeline_.now_ns()});
  log::error("ingest", "{} (pid {}): {}: it is read no further", source.segment.name(), source.segment.header().pid, reason);
}

void Drain::quarantine_lane(Source& source, Lane& lane, std::string_view reason) {
  lane.quarantined = true;
  source.quarantined = true;
  ++counts_.quarantined_lanes;
  quarantine_.put({lane.id, lane.cursor.sequence, {}, {}, reason, {}, timeline_.now_ns()});
  ARBITER_TESTPOINT("quarantine.lane");
  log::error("ingest", "lane {} of {} (pid {}): {}: it is read no further", lane.id.lane, segment_name(lane.id.segment),
             source.segment.header().pid, reason);
}

bool Drain::commit() {
  quarantine_.flush();
  if (!journal_.pending()) return true;
  if (ARBITER_WRONG("acknowledge_before_journal"))
    for (Lane* lane : unacknowledged_) acknowledge(*lane);
  ARBITER_TESTPOINT("drain.before_commit");
  if (auto written = journal_.commit(); !written) {
    if (blocked_by_.empty())
      log::error("journal", "{}: nothing is taken from the lanes until it can be written; they fill, and then count what they drop",
                 written.error().message);
    blocked_by_ = written.error().message;
    return false;
  }
  if (!blocked_by_.empty()) log::info("journal", "it can be written again");
  blocked_by_.clear();
  ARBITER_TESTPOINT("drain.committed");
  const std::uint64_t frame = journal_.committed_frame();
  for (Lane* lane : unacknowledged_)
    if (lane->touched) lane->touched = false, lane->frame = frame;
  acknowledge_durable();
  return true;
}

void Drain::acknowledge_durable() {
  const std::uint64_t durable = sync_ == journal::SyncPolicy::every_frame ? journal_.durable_frame() : journal_.committed_frame();
  if (unacknowledged_.empty()) return;
  const std::int64_t now_ns = timeline_.now_ns();
  std::erase_if(unacknowledged_, [&](Lane* lane) {
    if (lane->touched || lane->frame > durable) return false;
    acknowledge(*lane);
    note_lag(*lane, now_ns);
    ARBITER_TESTPOINT("drain.acknowledged");
    return true;
  });
}

void Drain::acknowledge(Lane& lane) {
  lane.reader.acknowledge(lane.cursor.position, lane.cursor.delivered + lane.cursor.quarantined + lane.cursor.rewound);
  lane.acknowledged = lane.cursor.position;
}

void Drain::note_lag(Lane& lane, std::int64_t now_ns) {
  if (lane.waiting == 0) return;
  meters_.lag_ns.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_ns - lane.oldest_ns)), lane.waiting);
  lane.waiting = 0;
}

Result<void> Drain::catch_up() {
  // Positions only grow: a lane is caught up once its cursor has passed what was published at the beginning.
  struct Target {
    Source* source;
    Lane* lane;
    abi::Position until;
  };
  std::vector<Target> targets;
  for (Source& source : lanes_.sources()) {
    adopt_new(source);
    for (Lane& lane : source.lanes) {
      // Nobody is two laps ahead: who says so is not followed for as long as he pleases.
      const abi::Position furthest = abi::Position::at(lane.cursor.position.lap() + 1, lane.reader.records());
      targets.push_back({&source, &lane, std::min(lane.reader.published(), furthest)});
    }
  }
  while (!targets.empty() || journal_.pending()) {
    bool written = true;
    std::erase_if(targets, [&](const Target& t) {
      if (!written || t.lane->quarantined || t.lane->cursor.position >= t.until) return written;
      const abi::Position before = t.lane->cursor.position;
      Passed passed = Passed::idle;
      written = take(*t.source, *t.lane, passed);
      // No further: the rest was a skip record, or a position that means nothing.
      return written && t.lane->cursor.position == before;
    });
    if (!written || !commit()) return Error{blocked_by_};
  }
  return {};
}

void Drain::look_for_ended(std::size_t turns) { lanes_.look_for_ended(turns); }

void Drain::note_accounts() {
  for (Source& source : lanes_.sources())
    for (Lane& lane : source.lanes) {
      const journal::Cursor before = lane.cursor;
      note_account(source, lane);
      if (lane.cursor != before) touch(lane);
    }
}

// Sources whose owners have ended and that a pass has found empty since. Their final account goes into the journal before the file goes;
// the lane leaves the journal's table only after that, so that a crash in between cannot have it drained again.
void Drain::close_drained() {
  auto& sources = lanes_.sources();
  if (std::none_of(sources.begin(), sources.end(), [](const Source& s) { return s.drained && !s.stays; })) return;
  note_accounts();
  // What is left unread in a lane that is read no further is set aside now: once its file is renamed, only the journal can say so.
  for (Source& source : sources)
    for (Lane& lane : source.lanes)
      if (const std::uint64_t left = unaccounted(lane.cursor); source.drained && lane.quarantined && left != 0) {
        lane.cursor.quarantined += left;
        journal_.advance(lane.id, lane.cursor);
      }
  if (!commit()) return;
  for (auto source = sources.begin(); source != sources.end();) {
    const auto next = std::next(source);
    const bool settled = std::none_of(source->lanes.begin(), source->lanes.end(), [&](const Lane& lane) {
      return std::find(unacknowledged_.begin(), unacknowledged_.end(), &lane) != unacknowledged_.end();
    });
    if (source->drained && !source->stays && settled) {
      std::vector<std::pair<LaneId, journal::Cursor>> last;
      for (const Lane& lane : source->lanes) last.emplace_back(lane.id, lane.cursor);
      const SegmentId segment = source->segment.id();
      ARBITER_TESTPOINT("drain.before_unlink");
      const bool removed = lanes_.remove(source);
      source = next;
      if (!removed) continue;
      ARBITER_TESTPOINT("drain.unlinked");
      quarantine_.forget(segment, timeline_.now_ns());
      for (const auto& [id, cursor] : last) {
        journal_.close_lane(id, cursor, unaccounted(cursor));
        ARBITER_TESTPOINT("close.lane");
      }
    }
    source = next;
  }
  commit();
  ARBITER_TESTPOINT("close.committed");
}

void Drain::close_vanished() {
  for (const auto& [id, cursor] : journal_.lanes())
    if (!lanes_.has_file(id.segment)) {
      journal_.close_lane(id, cursor, unaccounted(cursor));
      ARBITER_TESTPOINT("close.vanished");
    }
  commit();
}

}  // namespace arbiter::service
