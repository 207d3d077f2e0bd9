// The manifest of a snapshot: what is in it, what it was made from, and what is missing.
//
//   {"format": "arbiter-snapshot", "formatVersion": 1, "snapshot": 7, "createdAt": "..",
//    "schema": {"version": "1.0", "sha256": ".."},
//    "range": {"fromCursor": null | "..", "toCursor": "..", "since": null | "..", "sinceNs": null | "..", "watermark": "..", "watermarkNs":
//    ".."}, "chain": {"base": 1, "position": 6, "follows": null | {"snapshot": 6 | null, "cursor": "..", "manifestSha256": ".." | null},
//              "retained": 27408, "retainedOut": 0} (see chain.hpp; where increments can follow; position 0: a full snapshot),
//    "events": {"total": 27408, "byType": {..}, "withoutTask": 0, "firstTime": "..", "lastTime": ".."},
//    "reward": {"definition": "..", "weights": {}, "evaluationScale": 1, "latencyScaleMs": 60000, "tokensScale": 10000} (see reward.hpp),
//    "tasks": 6852 (where there is a file of trajectories),
//    "decisions": {"total": 6852, "byJoinState": {"complete": 6852, "pending": 0, "censored": 0, "orphan": 0}, "withReward": 6852,
//                  "beyondJoin": 0} (where there is a file of decisions),
//    "propensities": {"decisions": 0, "zero": 0, "smallest": null, "effectiveSampleSize": null},
//    "losses": {..}, "damagedBlocks": 0,
//    "anonymization": {"enabled": true, "keyFingerprint": ".."},
//    "split": {..} (where there is one: split.hpp),
//    "files": [{"name": "..", "format": "events.jsonl.zst", "split": "train", "firstRow": 0 (these three: writers.hpp),
//               "rows": 27408 | null, "bytes": .., "sha256": "..", "leftOut": {..}, "quality": {..}}, ..]}
//
// watermark: stamp of the newest event in the journal, null before the first. Everything stamped up to there is in, but what retention had
// removed, for each recording thread whose events had been taken. propensities: over the decisions that carry one, for off-policy learning:
// the smallest above zero, and the effective sample size (sum w)^2 / sum w^2 of the weights w = 1 / propensity.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/decision_row.hpp"
#include "collector/snapshot/output_file.hpp"
#include "collector/snapshot/reward.hpp"

namespace arbiter::snapshot {

inline constexpr std::string_view kManifestFormat = "arbiter-snapshot";
inline constexpr std::int64_t kManifestVersion = 1;
inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kSumsName = "SHA256SUMS";
inline constexpr std::string_view kReadmeName = "README.md";
inline constexpr std::string_view kStatsName = "stats.json";

// Counts by type, in the words of the manifest: of the callers' own types the first kOwnMax that come keep their name, all others are
// "(other)".
class TypeCounts {
 public:
  static constexpr std::size_t kOwnMax = journal::GenericNames::kMax;
  void add(std::string_view type);
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
  journal::GenericNames own_;
};

// What is counted over a snapshot's events, taken in their order.
class EventSummary {
 public:
  void add(const journal::StoredEvent& e);
  std::uint64_t events() const { return events_; }
  boost::json::object events_json() const;
  boost::json::object propensities_json() const;

 private:
  std::uint64_t events_ = 0, without_task_ = 0;
  TypeCounts types_;
  std::int64_t first_ns_ = 0, last_ns_ = 0;
  std::uint64_t propensities_ = 0, zero_propensities_ = 0;
  double smallest_ = 0, weights_ = 0, squared_weights_ = 0;
};

// What is counted over the rows of decisions.
class DecisionSummary {
 public:
  void add(const DecisionRow& row);
  boost::json::object json() const;
  std::uint64_t beyond = 0;  // decisions of tasks with too many to be joined (decisions.hpp)

 private:
  std::array<std::uint64_t, kJoinStates.size()> by_state_{};
  std::uint64_t rewarded_ = 0;
};

struct ManifestFacts {
  std::uint64_t number = 0;
  std::int64_t created_ns = 0;
  std::optional<std::int64_t> since_ns;
  std::string key_fingerprint;  // empty: not anonymised
  std::optional<boost::json::object> chain;
  std::string from_cursor, to_cursor;  // from: empty, from the beginning
  std::int64_t watermark_ns = 0;       // 0: none
  boost::json::object losses;
  std::uint64_t blocks_damaged = 0;
  std::vector<FileInfo> files;
  std::optional<std::uint64_t> tasks;
  std::optional<DecisionSummary> decisions;
  RewardFormula reward;
  std::optional<boost::json::object> split;
};
boost::json::object manifest_json(const ManifestFacts& facts, const EventSummary& summary);

// SHA-256 of the kinds and fields as this build writes them, in hex: two snapshots with the same have the same shape.
std::string schema_sha256();

}  // namespace arbiter::snapshot
