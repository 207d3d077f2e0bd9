// The lanes directory: which segments there are, which lanes of them are in use, and who is still alive.
//
// A segment passes through: found → attached → (its owner ends) ended → drained → its name removed. One that cannot be believed is renamed
// to `quarantined-<id>` and never attached again, and the newest kQuarantinedKept of those are kept; a file that is not ours, or of a newer
// ABI, or cannot be opened, is left alone and named once.
//
// What a directory full of files may cost: a scan attaches kAttachedAtOnce at most, and the caller leaves time between two scans; segments
// take neither the last descriptors nor the last mappings of the process, which everything else in it needs.
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/event_key.hpp"
#include "collector/journal/journal.hpp"
#include "shm/result.hpp"
#include "shm/segment.hpp"

namespace arbiter::ingest {

struct Lane {
  LaneId id;
  LaneReader reader;
  journal::Cursor cursor;       // private: how far it has been taken, in the frame being built
  bool touched = false;         // since the last commit
  bool quarantined = false;     // bad framing: not read any more
  bool set_aside_said = false;  // that an event of it was set aside: once is enough
  bool account_lies = false;    // its figures went back, or are impossible: the last good ones stay
  std::uint64_t frame = 0;      // that holds the cursor; acknowledged once it is durable
  abi::Position acknowledged;   // as told to the producer
  std::uint64_t waiting = 0;    // events taken and not acknowledged yet, as far as their age is known
  std::int64_t oldest_ns = 0;   // stamp of the first of them
};

struct Source {
  explicit Source(SegmentReader reader) : segment(std::move(reader)) { lanes.reserve(segment.lane_count()); }
  SegmentReader segment;
  std::vector<Lane> lanes;   // those in use so far (lanes are taken into use from the first on); never moved once they are here
  bool ended = false;        // its owner has let go of it: nothing is written any more
  bool drained = false;      // and nothing is left in it
  bool quarantined = false;  // poisoned, or a lane of it is: renamed, not unlinked
  bool poisoned = false;     // its file was truncated under the mapping: nothing in it is read any more
  bool stays = false;        // its file could not be removed: tried again at the next look_for_ended()
};

class Lanes {
 public:
  // Makes the directory if it is missing: 03733 where agents of other users record (`shared`), else 0700. The caller holds its lock.
  static Result<Lanes> open(const std::string& ring_dir, bool shared, std::size_t max_producers);
  Lanes(Lanes&& other) noexcept;
  Lanes& operator=(Lanes&&) = delete;
  ~Lanes();

  // Attaches what is new. `disabled` is written into their switches. True: there is more, which the next scan takes.
  bool scan(bool disabled);
  void set_disabled(bool disabled);  // into every segment attached, and the file that new ones read first
  void set_max_producers(std::size_t n) { max_producers_ = n; }

  std::list<Source>& sources() { return sources_; }
  const std::list<Source>& sources() const { return sources_; }

  // Lanes of `source` taken into use since the last call; the caller gives each its cursor. One shared load per call where there are none.
  std::vector<Lane*> newly_used(Source& source);
  // Which owners have let go: one system call a segment. In `turns`, so that many calls of it look at all of them between them, however
  // many there are; few are looked at in every call.
  void look_for_ended(std::size_t turns = 1);

  // The source is drained, and that is in the journal: removes its file, or renames it if it is quarantined. False: the file could not be
  // had out of the way, so the source stays, and its lanes must not be closed: they would be drained again from their start.
  bool remove(std::list<Source>::iterator source);

  bool has_file(const SegmentId& id) const;                       // attached or not
  std::uint64_t refused_files() const { return refused_files_; }  // not attached: foreign, unsupported, broken, or not to be opened

  const std::string& no_room() const { return no_room_; }  // why new producers wait: what it is, ": ", what to do; empty: none does

  static constexpr std::size_t kAttachedAtOnce = 256;
  static constexpr std::size_t kQuarantinedKept = 16;
  static constexpr std::size_t kFew = 16;

 private:
  Lanes(std::string ring_dir, int fd, std::size_t max_producers);
  enum class Tried : std::uint8_t { attached, left, no_room };
  Tried attach(const std::string& name, bool disabled);
  bool room() const { return sources_.size() < std::min(max_producers_, mappable_); }
  void say_full(const std::string& of_what);
  bool set_aside(const Source& source) const;
  void trim_quarantined() const;

  // A file that was not attached, and has been said to be so.
  struct LeftAlone {
    std::uint64_t seen = 0;  // the last scan that found it
    bool again = false;      // the system did not let us: that may change
  };

  std::string ring_dir_;
  int fd_;
  std::size_t max_producers_;
  std::size_t mappable_;  // segments that the process can map and have mappings left
  int descriptors_;       // segments take descriptors below this
  std::list<Source> sources_;
  std::size_t looked_at_ = 0;  // of the sources, in the turns so far
  std::set<std::string, std::less<>> attached_;
  std::map<std::string, LeftAlone, std::less<>> left_alone_;
  std::uint64_t scans_ = 0;
  std::uint64_t refused_files_ = 0;
  std::string no_room_;
};

// Raises the process's limit of open files to the highest it may have: a segment takes one.
void raise_descriptor_limit();

}  // namespace arbiter::ingest
