// The way of an event through the collector, one batch after the other:
//
//   lane ─copy→ decode, validate ─→ anonymise ─→ join ─→ journal (one frame a batch) ─→ acknowledge
//
// Invariants:
//   1. A lane's cursor in the journal never says more than the frames hold: cursor and events go into the same frame.
//   2. Nothing is acknowledged to a producer before the frame that holds it is written (and synced, where the policy asks for it).
//   3. A frame that cannot be written stays as it is until it can: meanwhile nothing is drained, lanes fill, and losses are counted by the
//   producers.
//   4. What is bad in a lane harms that lane alone.
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "collector/config/config.hpp"
#include "collector/ingest/lanes.hpp"
#include "collector/ingest/quarantine.hpp"
#include "collector/ingest/timeline.hpp"
#include "collector/join/join.hpp"
#include "collector/journal/journal.hpp"
#include "collector/meter.hpp"
#include "collector/privacy/anonymizer.hpp"

namespace arbiter::service {

class Drain {
 public:
  Drain(ingest::Lanes& lanes, ingest::Timeline& timeline, privacy::Anonymizer& anonymizer, join::Join& join, journal::Journal& journal,
        ingest::Quarantine& quarantine, journal::SyncPolicy sync);

  enum class Passed : std::uint8_t {
    idle,     // nothing was there
    some,     // took what was there
    more,     // took a full batch from some lane: more is waiting
    blocked,  // the journal cannot be written
  };
  // Once over all lanes, at most a batch of each, and commits.
  Passed pass();

  // Takes everything that was published when it was called. Error: the journal cannot be written. It ends, whatever a producer does with
  // its positions meanwhile, and however fast the others record.
  Result<void> catch_up();

  bool scan(bool disabled) { return lanes_.scan(disabled); }  // attaches new segments; true: there are more
  void look_for_ended(
      std::size_t turns = 1);  // finds producers that have gone; what they left is drained and their lanes are closed by pass()
  void note_accounts();        // lanes that only dropped or refused: their account goes into the journal too
  void close_vanished();       // lanes of the journal whose file is gone (a reboot): once, after the first scan
  void acknowledge_durable();  // what is safe by the policy; under SyncPolicy::every_frame, some time after the commit
  bool acknowledgement_due() const { return !unacknowledged_.empty(); }
  void set_sync(journal::SyncPolicy sync) { sync_ = sync; }

  struct Counts {
    std::uint64_t batches = 0, events = 0, completions = 0, oversize = 0, quarantined_lanes = 0;
    std::uint64_t dropped = 0;              // by producers, as seen since start
    std::uint64_t impossible_accounts = 0;  // lanes whose figures went back, or are beyond what can be
  };
  const Counts& counts() const { return counts_; }

  static constexpr std::array<std::uint64_t, 9> kBatchSizes = {1, 4, 16, 64, 256, 1024, 2048, 4096, 8192};
  struct Meters {
    Meter batch_events{kBatchSizes};
    Meter pass_ns{kShortTimes};  // of the passes that took something, from the first copy to the acknowledgement
    Meter lag_ns{kShortTimes};   // of each event, from its stamp to its acknowledgement: all of a batch count as its oldest
  };
  const Meters& meters() const { return meters_; }
  const std::string& blocked_by() const { return blocked_by_; }  // empty: the journal can be written

 private:
  bool take(ingest::Source& source, ingest::Lane& lane, Passed& passed);
  void take_event(ingest::Source& source, ingest::Lane& lane, std::span<const std::byte> bytes);
  void set_aside(ingest::Lane& lane, std::span<const std::byte> bytes, std::uint64_t sequence, std::string_view kind,
                 std::string_view field, std::string_view reason);
  void quarantine_lane(ingest::Source& source, ingest::Lane& lane, std::string_view reason);
  void quarantine_truncated(ingest::Source& source);
  void adopt_new(ingest::Source& source);
  void adopt(ingest::Lane& lane);
  void note_account(ingest::Source& source, ingest::Lane& lane);
  void touch(ingest::Lane& lane);
  static void acknowledge(ingest::Lane& lane);
  void note_lag(ingest::Lane& lane, std::int64_t now_ns);
  bool commit();
  void close_drained();

  ingest::Lanes& lanes_;
  ingest::Timeline& timeline_;
  privacy::Anonymizer& anonymizer_;
  join::Join& join_;
  const join::Join::Amend amend_;
  journal::Journal& journal_;
  ingest::Quarantine& quarantine_;
  journal::SyncPolicy sync_;

  std::vector<std::byte> buffer_;
  std::vector<ingest::Lane*> unacknowledged_;
  event::Values values_;
  Counts counts_;
  Meters meters_;
  std::string blocked_by_;
};

}  // namespace arbiter::service
