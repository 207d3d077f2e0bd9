// Increments: snapshots that hold only what has changed since another one.
//
//   full snapshot  ->  increment  ->  increment  ->  ..          each names the one before it by cursor and by the SHA-256 of its manifest
//
// To apply an increment to what one has of its predecessor:
//   1. remove the rows that its retained.jsonl does not name: what retention, or a clear, has removed since;
//   2. put in the rows of its events by `id`, in the place of a row with the same one (which has a lower `revision`).
// Sorted by (timestampNs, segment, lane, sequence of the id), the rows are then those of a full snapshot made at the same moment, byte for
// byte; `chain.retained` in the manifest is how many there are. An event that came and was removed between two snapshots is in neither.
//
//   places.jsonl.zst  for each run of rows of events, in their order: {"rows":812,"frame":77}; where the time that retention goes by is
//                     not the event's own, {"rows":1,"frame":78,"retentionNs":"17.."}
//   retained.jsonl    {"firstFrame":70,"lastFrame":99}, and with a member "from":{"retentionNs":"17..","segment":"<32 hex>","lane":0,
//                     "sequence":"5"}
//                     of frames of which only the rows at or above that key stay, compared in the order of its members; frames that no line
//                     names have nothing left
//
// A cursor names only what is on stable storage: after a power cut the journal goes on behind it.
//
// Only rows of events are incremental: a trajectory, or a decision with its outcome, is made of all events of a task, the old ones
// included.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/output_file.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

inline constexpr std::string_view kPlacesName = "places.jsonl.zst";
inline constexpr std::string_view kRetainedName = "retained.jsonl";

// What an increment follows. Of one that follows a cursor alone, it is not known which snapshot that is.
struct Predecessor {
  journal::ViewCursor reach;
  std::optional<std::uint64_t> snapshot, base;  // base: the full one that the chain begins with
  std::uint64_t position = 0;                   // of the predecessor in its chain; 0: it is the base
  std::string manifest_sha256;
};

// Which predecessor is wanted.
struct Following {
  std::optional<std::uint64_t> snapshot;      // this one
  std::optional<journal::ViewCursor> cursor;  // or whatever ends there
  std::uint64_t increments = 0;               // or the newest, while that goes, for a chain of at most so many; else a full snapshot
};

// Error, with an HTTP status: 404, there is no such snapshot; 409, this view does not continue it.
Result<std::optional<Predecessor>> find_predecessor(const std::string& directory, const std::vector<std::uint64_t>& numbers,
                                                    const Following& wanted, const journal::View& view, const std::string& key_fingerprint);

// The member `chain` of the manifest of snapshot `number`.
boost::json::object chain_json(std::uint64_t number, const std::optional<Predecessor>& follows, const journal::View& view);

Result<FileInfo> write_retained(const Place& place, const journal::View& view);

// The snapshot that the chain of this one begins with; itself, if it is none of a chain or cannot be read.
std::uint64_t base_of(const std::string& directory, std::uint64_t number);

}  // namespace arbiter::snapshot
