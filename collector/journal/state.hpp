// The inside of a Journal: what it knows, and the steps in which that changes. One object, in four files by reason to change:
// append_commit.cpp (frames and rotation), upkeep.cpp (retention, files that go), lifecycle.cpp (sealing, checkpoint, clear, close),
// recover.cpp (opening), journal.cpp (what callers see).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "collector/journal/background.hpp"
#include "collector/journal/edges.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/index.hpp"
#include "collector/journal/journal.hpp"
#include "collector/journal/raw_segment.hpp"
#include "collector/journal/retained.hpp"
#include "collector/journal/syncer.hpp"
#include "collector/journal/table.hpp"

namespace arbiter::journal {

struct LaneState {
  Cursor current;        // as the frame being built will have it
  Cursor committed;      // as tables have it
  bool known = false;    // committed is in the journal
  bool changed = false;  // current is not written yet
  bool closing = false;  // leaves with the frame being built
};

std::int64_t unix_now_ns();

class Journal::State {
 public:
  State(const Options& options, Participant& participant);

  // recover.cpp
  Result<void> recover();

  // append_commit.cpp
  EventRef append(const LaneId& lane, const event::Values& values, std::span<const std::byte> original);
  void advance(const LaneId& lane, const Cursor& to);
  void close_lane(const LaneId& lane, const Cursor& last, std::uint64_t in_flight);
  bool pending() const { return !frame_.empty() || !changed_.empty() || edge_moved_; }
  Result<void> commit();

  // upkeep.cpp
  void retain(std::int64_t now_ns);
  void set_retention(const Retention& retention);

  // lifecycle.cpp
  Result<void> clear();
  Result<void> checkpoint();
  Result<void> close();

  // journal.cpp
  Statistics statistics() const;
  Timings timings() const;
  Troubles troubles() const { return {damage_->blocks(), broken_links_, sync_failures_, rotation_failing_, last_failure_}; }
  std::shared_ptr<const View> view() const;
  std::uint64_t newest_segment() const { return segments_.rbegin()->first; }
  Increment since(std::uint64_t frame) const;
  std::uint64_t losses() const;  // dropped, refused and quarantined, of all lanes

  void set_sync(SyncPolicy policy, std::chrono::milliseconds interval) { syncer_.set(policy, interval); }
  std::uint64_t durable_frame() const { return syncer_.durable_frame(); }
  bool reach(std::uint64_t frame) { return syncer_.reach(frame); }

  Options options_;
  std::unordered_map<LaneId, LaneState> lanes_;
  std::uint64_t last_frame_ = 0;
  FrameWriter frame_;                  // the one being built
  std::vector<std::string> failures_;  // see take_failures()

 private:
  Result<void> write_frame();
  void reset_frame();
  void take_in(const Frame& frame, const Totals& events, std::int64_t newest_stamp_ns);
  void index(Segment& segment, const Frame& frame, const Summary& arrived);
  void index_amendment(Segment& holder, const AmendmentPlace& place, const AmendmentRecord& record, std::int64_t duration_ns);
  void write_failed(const Error& error, bool& failing);
  void say(std::string failure);
  Table table() const;
  Result<void> rotate();
  std::uint64_t room_of(const Segment& segment) const;              // behind its table, when it was new
  bool full(const Segment& segment, std::uint64_t lead = 0) const;  // or would be with so much more in it
  bool prepare_next();
  Result<void> begin_next();
  void drop_next();
  Participant::Out to_next();
  void rotate_or_grow();
  Segment& active() { return segments_.rbegin()->second; }

  EventKey age_edge() const;
  void bind_edge();
  void enforce_bytes();
  void forget_events();
  void dispose_dead();
  Segments::iterator dispose(Segments::iterator segment);
  bool retire_raw(const std::string& path, std::uint64_t bytes, bool in_use);
  void retire_read();  // those of still_read_ that nobody reads any more
  std::uint64_t disk_bytes() const;
  std::optional<std::string> take_spare();

  void absorb();  // what the threads behind have done
  void absorb_sealed(Background::Done& done);
  void seal(Segment& segment);
  void settle_active();

  struct Found;
  Result<void> look(Found& found);
  Result<void> load_checkpoint(Found& found);
  Result<void> set_aside(Found& found);
  Result<void> open_raw(Found& found, std::uint64_t index, const std::string& path, bool older);
  Result<void> open_sealed_segment(Found& found, std::uint64_t index, const std::string& path);
  Result<void> load_state(Found& found, std::uint64_t& from);
  Result<void> replay_from(Found& found, std::uint64_t from);
  Result<void> adopt(Table& table, const std::string& from);
  void replay(const Frame& frame, const Summary* arrived);
  Result<void> load_index(Found& found);
  void check_links(const Found& found);

  Participant& participant_;
  GenericNames names_;
  std::shared_ptr<Damage> damage_ = std::make_shared<Damage>();
  Segments segments_;  // by index; the last is active
  Retained retained_{segments_, names_, *damage_};

  std::unique_ptr<SegmentMaker> next_;  // the segment to come, while it is written; the participant is being saved into it
  std::uint64_t prepared_from_ = 0;     // where the active segment ended at the slice before

  // As tables have it:
  Edges edges_;
  ClosedLanes closed_;
  Totals lifetime_;
  std::uint64_t cleared_ = 0;
  std::int64_t created_unix_ns_ = 0, collection_started_ns_ = 0, last_updated_ns_ = 0;
  std::map<std::uint64_t, Link> anchors_;  // links of sealed segments that are gone

  // The frame being built, beside its bytes:
  Summary pending_;
  std::int64_t pending_stamp_ns_ = INT64_MIN;
  std::vector<LaneId> changed_;  // lanes whose cursor is to be written
  bool edge_moved_ = false;      // and no frame says so yet
  bool clearing_ = false;

  std::int64_t now_ns_ = INT64_MIN;  // of the last retain()
  EventKey binding_ = kBeforeAll;    // an event that arrives below this is put out by a limit in force
  Anchor newest_sealed_;
  bool rotation_due_ = false, disposal_due_ = false;
  bool write_failing_ = false, rotation_failing_ = false;  // since the last that succeeded
  bool out_of_room_ = false;                               // and why frames cannot be written
  std::uint64_t write_failures_ = 0, sync_failures_ = 0, broken_links_ = 0;
  std::string last_failure_;
  Timings timings_;
  std::vector<std::pair<std::string, std::uint64_t>> spares_;  // path, bytes
  // Raw files of sealed segments that somebody still reads: spares as soon as nobody does. After a crash they are leftovers.
  struct StillRead {
    std::uint64_t index;
    std::string path;
    std::uint64_t bytes;
    std::shared_ptr<const SegmentFile> file;
  };
  std::vector<StillRead> still_read_;

  Syncer syncer_;
  Background background_;
};

}  // namespace arbiter::journal
