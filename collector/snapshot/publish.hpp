// Snapshots: the events that a view holds, as files for training jobs.
//
//   <directory>/<%020d>/   manifest.json  SHA256SUMS  README.md  stats.json  and a file for each format (format.hpp)
//   <directory>/latest     symbolic link to the newest
//
// A snapshot is complete or absent: built in .building-<%020d>, every file synced, the manifest and the sums last, then renamed; `latest`
// is swapped by a rename. With a key, all but the manifest, the sums and README.md is encrypted: NAME becomes NAME.enc, of which the sums
// are; the manifest describes what is in it. Its data files hold nothing of the export's own time, host or number and are in a total order:
// the same events are the same bytes. Who reads a snapshot for longer than `keep` exports holds a shared flock(2) on its directory: it is
// then left where it is.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/progress.hpp"
#include "collector/snapshot/reward.hpp"
#include "collector/snapshot/sorter.hpp"
#include "collector/snapshot/split.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

struct ExportOptions {
  std::string directory;                                                              // made if missing
  std::vector<std::string> formats = {"events.jsonl.zst", "trajectories.jsonl.zst"};  // names of format.hpp
  std::optional<std::int64_t> since_ns;                                               // events of this time or later; all
  bool durable = true;                                    // false: the view may go back in a power cut, so that no increment can follow
  Following following;                                    // nothing wanted: a full snapshot
  std::optional<std::uint64_t> keep;                      // snapshots that stay, this one included, beside those they build on; all
  std::optional<std::chrono::nanoseconds> max_age;        // of older ones, since they were published; any
  RewardFormula reward;                                   // for trajectories
  SplitRule split;                                        // nothing set: all is together
  std::optional<std::uint64_t> file_bytes;                // a file ends when it has come to this (writers.hpp); one file for a format
  std::shared_ptr<const crypt::Cipher> cipher = nullptr;  // data files and statistics are encrypted with it; null: not
  std::string key_fingerprint;                            // of the anonymisation key, hex; empty: not anonymised
  boost::json::object stats;                              // becomes stats.json; its "losses" also stand in the manifest
  Progress* progress = nullptr;                           // told how far it has come
  std::size_t sort_memory_bytes = Sorter::kMemoryBytes;   // for each of: the events, the trajectories
};

struct Published {
  std::uint64_t number = 0;
  std::string path;
  boost::json::object manifest;
  std::uint64_t blocks_damaged = 0;  // of the journal: their events are missing; the manifest says so too
};

// Makes the next snapshot. An increment has the formats of events alone, events.jsonl.zst if none is asked for. Any thread; one at a time
// for a directory (a second one waits). On an error nothing of it is left. Memory does not grow with the number of events, nor with the
// number of one task's.
Result<Published> publish(const journal::View& view, const ExportOptions& options);

// Removes what exports and removals that were killed have left behind. For the start of the collector; does nothing while an export is
// running.
Result<void> clean_up(const std::string& directory);

}  // namespace arbiter::snapshot
