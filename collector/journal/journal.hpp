// The journal: what the collector promises to keep. One writer, the drain's thread; any number of readers through `view()`.
//
//   append events, cursors, amendments, accounts  ->  commit(): one write of one checksummed frame  ->  acknowledge in the lanes
//
// Everything between two commits is one frame: after a crash all of it is there or none. A commit that cannot be written (full disk) stays
// pending, byte for byte, and is tried again; nothing further is accepted until it is in.
//
// When commit(), checkpoint(), clear() or close() is called, the participant's state is that of exactly the events appended so far: it is
// saved there.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/crypt/cipher.hpp"
#include "collector/event_key.hpp"
#include "collector/journal/totals.hpp"
#include "collector/meter.hpp"
#include "shm/result.hpp"

namespace arbiter::journal {

enum class SyncPolicy : std::uint8_t { never, interval, every_frame };

struct Retention {
  std::optional<std::chrono::nanoseconds> max_age;
  std::optional<std::uint64_t> max_events;
  std::optional<std::uint64_t> max_bytes;  // of the journal on disk
};

struct Options {
  std::string directory;                      // made if missing; the caller holds the lock of the state directory
  std::uint64_t segment_bytes = 64ULL << 20;  // preallocated size of a segment
  SyncPolicy sync = SyncPolicy::interval;
  std::chrono::milliseconds sync_interval{100};
  Retention retention;
  std::array<std::uint8_t, 32> link_key{};         // keys the chain of footers
  crypt::Keyring keys;                             // of encryption; segments are made with the one to write with
  std::array<std::uint8_t, 16> key_fingerprint{};  // of the anonymisation key the events were made under; zero: not anonymised
};

// How far a lane has been taken, and its account so far. This, not shared memory, says where draining goes on.
struct Cursor {
  abi::Position position;
  std::uint64_t sequence = 0;                             // of the last event taken
  std::uint64_t delivered = 0;                            // events journalled
  std::uint64_t quarantined = 0;                          // events set aside
  std::uint64_t rewound = 0;                              // events acknowledged before, by a state that is not this one
  std::uint64_t attempted = 0, dropped = 0, refused = 0;  // as last seen in the lane (closed lanes: final)
  std::array<std::uint64_t, 4> dropped_by{};
  std::array<std::uint64_t, 12> refused_by{};
  std::int64_t stamp_ns = 0;  // of the last event: stamps never run backwards within a lane
  bool operator==(const Cursor&) const = default;
};

// Sums of the cursors of all lanes that are closed.
struct ClosedLanes {
  ClosedLanes() = default;
  ClosedLanes(const Cursor& last, std::uint64_t in_flight);  // of one lane
  ClosedLanes& operator+=(const ClosedLanes& other);
  bool operator==(const ClosedLanes&) const = default;

  std::uint64_t lanes = 0, delivered = 0, quarantined = 0, rewound = 0, attempted = 0, in_flight = 0;
  std::array<std::uint64_t, 4> dropped_by{};
  std::array<std::uint64_t, 12> refused_by{};
};

// Where a committed or pending event lies: in which frame. Frames keep their numbers for ever, wherever sealing puts them.
struct Location {
  std::uint64_t frame = 0;
  bool operator==(const Location&) const = default;
};

// An event that may have to be amended later (an execution whose start or decision has not come yet; a start that may be let go).
struct EventRef {
  LaneId lane;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = 0;       // event time
  std::int64_t retention_ns = 0;  // retention time
  Location location;
};

// State of a stage that must survive with the journal (the join's open executions): written into each segment's table and each checkpoint,
// and rebuilt by handing it the events of every frame since, in order.
class Participant {
 public:
  virtual ~Participant() = default;
  using Out = std::function<void(std::string_view piece)>;
  // Piece after piece, each as long as the stage pleases, all of it together maybe tens of MiB.
  virtual void save(const Out& out) const = 0;
  // The same in slices, between which events come and go, for a stage that is large: the drain waits for each. What all calls from
  // begin_saving() to finish_saving() have given, one behind the other, is the state at the last of them.
  virtual std::uint64_t saved_bytes() const { return 0; }  // about what it would be now; cheap
  virtual void begin_saving(const Out&) {}
  virtual bool save_some(const Out&, std::size_t /* bytes: about so many */) { return true; }  // true: what finish_saving() gives is little
  virtual void finish_saving(const Out& out) { save(out); }
  virtual void give_up_saving() {}                // in place of finish_saving(): what was given is worth nothing
  virtual bool load(std::string_view bytes) = 0;  // false: not what save wrote
  virtual void replay(const LaneId& lane, const event::Values& stored, const EventRef& ref) = 0;  // an event journalled after the save
  virtual void replay_clear() = 0;
};

// Lifetime, since the store was created; `clear` does not reset it.
struct Lifetime {
  Totals totals;
  std::uint64_t retained_out = 0;  // events that retention has removed, those out on arrival included
  std::uint64_t cleared = 0;
  std::int64_t created_unix_ns = 0;
};

struct Statistics {
  Totals retained;
  Lifetime lifetime;
  ClosedLanes closed;
  std::int64_t collection_started_ns = 0;  // creation of the store, or the last clear
  std::int64_t last_updated_ns = 0;        // stamp of the newest event journalled
  std::uint64_t disk_bytes = 0;
  std::uint64_t segments = 0, sealed = 0, frames = 0;
  std::uint64_t damaged_blocks = 0, sync_failures = 0, write_failures = 0;
  std::uint64_t broken_links = 0;  // sealed segments that do not fit the chain: changed, missing, or made under another link key
  bool cannot_rotate = false;      // now: no further segment can be made, so the present one grows
  std::string last_failure;        // what went wrong last, in words
};

// What of the statistics says that something is wrong; cheap.
struct Troubles {
  std::uint64_t damaged_blocks = 0, broken_links = 0, sync_failures = 0;
  bool cannot_rotate = false;
  std::string last_failure;
};

// How long the disk took, in nanoseconds, since the journal was opened.
struct Timings {
  Meter write_ns{kShortTimes};  // of a frame
  Meter sync_ns{kShortTimes};   // of fdatasync, failed ones included
  std::uint64_t written_bytes = 0;
};

// One stored event as a reader meets it, amendments applied.
struct StoredEvent {
  LaneId lane;
  const event::Values& values;
  std::int64_t time_ns;
  std::int64_t retention_ns;
  std::uint32_t revision;   // 0; 1 more for each amendment applied
  std::uint64_t frame = 0;  // that it came in; frames keep their numbers for ever
};

// How far a view reaches: what came later is what an incremental export takes. As text, it is the cursor of an export.
struct ViewCursor {
  std::int64_t store_unix_ns = 0;  // creation of the store: tells one journal from another
  std::uint64_t segment = 0;       // index of the newest one
  std::uint64_t frame = 0;         // the last; 0: none yet
  std::uint64_t amendments = 0;    // that lie in that segment, up to there

  std::string text() const;  // "c1:<store>:<segment>:<frame>:<amendments>", all decimal
  static std::optional<ViewCursor> parse(std::string_view text);
  bool operator==(const ViewCursor&) const = default;
};

// Frames of which some events are retained: those at or above `from`, by retention time, lane and sequence. An event of a frame that is in
// no range is out.
struct RetainedFrames {
  std::uint64_t first = 0, last = 0;
  std::optional<EventKey> from;  // none: all that were ever retained still are
};

// An unchanging picture of the journal for one reader, on any thread: exactly the events retained when it was taken. Holds the files it
// reads; what retention removes meanwhile stays readable until the view is gone.
class View {
 public:
  virtual ~View() = default;
  virtual const Statistics& statistics() const = 0;
  virtual std::uint64_t losses_before() const = 0;  // sum of dropped, refused, quarantined at that moment

  struct Filter {
    std::int64_t since_ns = INT64_MIN;  // event time, inclusive
    std::int64_t until_ns = INT64_MAX;  // exclusive
    std::uint32_t kinds = ~0u;          // bit Kind
    std::optional<event::Text> task;    // events of this task alone (the stored form); uses the footers' filters of task ids
    std::optional<ViewCursor> after;    // events that came later than this, or that were amended later; blocks without any are not read
    // Asked now and then, between events: none that is still to come is of an earlier time than this.
    std::function<void(std::int64_t floor_ns)> settled;
  };
  // Calls `visit` for every retained event that passes, in journal order (not in order of time); visit returns false to stop. Blocks
  // outside the filter are not read. Damaged blocks are reported in the result and skipped.
  struct Scan {
    std::uint64_t events = 0, blocks_read = 0, blocks_damaged = 0;
  };
  virtual Scan scan(const Filter& filter, const std::function<bool(const StoredEvent&)>& visit) const = 0;

  virtual ViewCursor reach() const = 0;
  std::string cursor() const { return reach().text(); }
  virtual std::vector<RetainedFrames> retained_frames() const = 0;  // rising; some tens of bytes for each block that retention cuts through
};

class Increment;

class Journal {
 public:
  // Commit when pending_bytes() has come this far: a frame is then no larger than a block of a sealed segment.
  static constexpr std::size_t kFrameBytes = 512 << 10;

  // Recovers what is there: newest checkpoint or segment table, then its frames; torn tail cut off; closed segments left unsealed are
  // sealed again in the background. `participant` is loaded and replayed.
  static Result<std::unique_ptr<Journal>> open(const Options& options, Participant& participant);
  ~Journal();  // does not seal; see close()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // --- the frame being built
  const Cursor* cursor(const LaneId& lane) const;           // null: never seen
  void open_lane(const LaneId& lane, const Cursor& start);  // a lane met for the first time
  // `original`: what the values were decoded from, if nothing but the head is different now: cheaper.
  EventRef append(const LaneId& lane, const event::Values& values, std::span<const std::byte> original = {});
  // patch: same kind, only the amended fields present. `startedAtNs` is given to an execution that has none, `outcome.success` never
  // changes.
  void amend(const EventRef& target, const event::Values& patch);
  void advance(const LaneId& lane, const Cursor& to);  // the lane's cursor as of this frame
  void close_lane(const LaneId& lane, const Cursor& last, std::uint64_t in_flight);
  std::size_t pending_bytes() const;
  bool pending() const;

  // Writes the pending frame. Error: it stays pending; try again later. Rotates to the next segment when this one is full.
  Result<void> commit();
  // Frames known to be on stable storage, for SyncPolicy::every_frame; frames are numbered from 1 by commit().
  std::uint64_t committed_frame() const;
  std::uint64_t newest_segment() const;  // its index: another, once a segment was full
  std::uint64_t durable_frame() const;
  // From any thread: waits until the frames up to this one are on stable storage, whatever the policy. False: that failed.
  bool reach(std::uint64_t frame);

  // --- retention, statistics, views
  void retain(std::int64_t now_ns);  // moves the edge; cheap when nothing leaves. Called before statistics and views, and now and then.
  void set_retention(const Retention& retention);
  void set_sync(SyncPolicy policy, std::chrono::milliseconds interval);
  Statistics statistics() const;
  Timings timings() const;
  Troubles troubles() const;
  // What has begun to fail since the last call, other than commit(), each once: "what: why: what becomes of it".
  std::vector<std::string> take_failures();
  std::shared_ptr<const View> view() const;
  Increment since(std::uint64_t frame) const;            // what came behind it (increment.hpp)
  std::vector<std::pair<LaneId, Cursor>> lanes() const;  // open ones

  Result<void> clear();       // forgets every event, keeps cursors, accounts and lifetime; the participant's replay_clear() is called
  Result<void> checkpoint();  // makes the next start faster
  Result<void> close();       // seals the active segment, syncs, checkpoints: a clean stop

 private:
  class State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace arbiter::journal
