// The lanes directory: which segments there are, which lanes of them are in use, and who is still alive.
//
// A segment passes through: found → attached → (its owner ends) ended → drained → its name removed. One that cannot be believed is renamed
// to `quarantined-<id>` and never attached again; one that is not ours, or of a newer ABI, is left alone and named once.
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <cstdint>
#include <list>
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
  journal::Cursor cursor;      // private: how far it has been taken, in the frame being built
  bool touched = false;        // since the last commit
  bool quarantined = false;    // bad framing: not read any more
  std::uint64_t frame = 0;     // that holds the cursor; acknowledged once it is durable
  abi::Position acknowledged;  // as told to the producer
};

struct Source {
  explicit Source(SegmentReader reader) : segment(std::move(reader)) { lanes.reserve(segment.lane_count()); }
  SegmentReader segment;
  std::vector<Lane> lanes;   // those in use so far (lanes are taken into use from the first on); never moved once they are here
  bool ended = false;        // its owner has let go of it: nothing is written any more
  bool drained = false;      // and nothing is left in it
  bool quarantined = false;  // poisoned, or a lane of it is: renamed, not unlinked
};

class Lanes {
 public:
  // Makes the directory if it is missing: 03733 where agents of other users record (`shared`), else 0700. The caller holds its lock.
  static Result<Lanes> open(const std::string& ring_dir, bool shared, std::size_t max_producers);
  Lanes(Lanes&& other) noexcept;
  Lanes& operator=(Lanes&&) = delete;
  ~Lanes();

  // Attaches what is new. `disabled` is written into their switches.
  void scan(bool disabled);
  void set_disabled(bool disabled);  // into every segment attached, and the file that new ones read first
  void set_max_producers(std::size_t n) { max_producers_ = n; }

  std::list<Source>& sources() { return sources_; }
  const std::list<Source>& sources() const { return sources_; }

  // Lanes of `source` taken into use since the last call; the caller gives each its cursor. One shared load per call where there are none.
  std::vector<Lane*> newly_used(Source& source);
  void look_for_ended();  // one system call a segment

  // The source is drained, and that is in the journal: removes its file, or renames it if it is quarantined.
  void remove(std::list<Source>::iterator source);

  bool has_file(const SegmentId& id) const;                       // attached or not
  std::uint64_t refused_files() const { return refused_files_; }  // not attached: foreign, unsupported, broken

 private:
  Lanes(std::string ring_dir, int fd, std::size_t max_producers) : ring_dir_(std::move(ring_dir)), fd_(fd), max_producers_(max_producers) {}

  std::string ring_dir_;
  int fd_;
  std::size_t max_producers_;
  std::list<Source> sources_;
  std::set<std::string, std::less<>> attached_, ignored_;
  std::uint64_t refused_files_ = 0;
  bool full_said_ = false;
};

}  // namespace arbiter::ingest
