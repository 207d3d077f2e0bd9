#include "collector/service/report.hpp"

#include <unistd.h>

#include <numeric>

#include "collector/snapshot/time_text.hpp"
#include "shm/event.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;
using journal::Totals;

constexpr std::array<std::string_view, abi::kDropReasons> kDropNames = {"laneFull", "reentrant", "noLane"};
constexpr std::array<std::string_view, abi::kRefusalReasons> kRefusalNames = {"missing",       "tooLong",      "notUtf8", "notFinite",
                                                                              "outOfRange",    "notAChoice",   "badJson", "jsonTooDeep",
                                                                              "eventTooLarge", "tooManyItems", "notHex"};

json::value time_value(std::int64_t ns) { return ns == 0 ? json::value(nullptr) : json::value(snapshot::time_text(ns)); }

json::object by_type(const Totals& totals) {
  json::object out;
  for (const schema::KindInfo& kind : schema::kKindTable)
    if (kind.kind != Kind::generic && totals.of(kind.kind) != 0) out[kind.type] = totals.of(kind.kind);
  for (const auto& [type, count] : totals.generic_by_type) out[type] = count;
  return out;
}

// The mean over the executions whose start is known; the sum is exact, this is its one rounding.
double average_ms(const Totals& totals) {
  if (totals.joined == 0) return 0;
  return static_cast<double>(static_cast<long double>(totals.duration_ns) / static_cast<long double>(totals.joined) / 1e6L);
}

double success_rate(const Totals& totals) {
  const std::uint64_t executions = totals.of(Kind::task_execution);
  return executions == 0 ? 0 : static_cast<double>(totals.successes) / static_cast<double>(executions);
}

template <std::size_t N, std::size_t M>
json::object by_reason(const std::array<std::string_view, N>& names, const std::array<std::uint64_t, M>& counts) {
  static_assert(N <= M);
  json::object out;
  for (std::size_t i = 0; i < N; ++i)
    if (counts[i] != 0) out[names[i]] = counts[i];
  return out;
}

template <std::size_t N>
std::uint64_t sum(const std::array<std::uint64_t, N>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::uint64_t Losses::dropped() const { return sum(dropped_by); }
std::uint64_t Losses::refused() const { return sum(refused_by); }

Losses losses(const journal::Journal& journal) {
  const journal::ClosedLanes closed = journal.statistics().closed;
  Losses all{closed.attempted, closed.delivered,  closed.quarantined, closed.rewound,
             closed.in_flight, closed.dropped_by, closed.refused_by};
  for (const auto& [id, cursor] : journal.lanes()) {
    all.attempted += cursor.attempted;
    all.delivered += cursor.delivered;
    all.quarantined += cursor.quarantined;
    all.rewound += cursor.rewound;
    for (std::size_t i = 0; i < all.dropped_by.size(); ++i) all.dropped_by[i] += cursor.dropped_by[i];
    for (std::size_t i = 0; i < all.refused_by.size(); ++i) all.refused_by[i] += cursor.refused_by[i];
  }
  return all;
}

json::object stats_json(const journal::Statistics& s, const Losses& lost) {
  const Totals& now = s.retained;
  const Totals& ever = s.lifetime.totals;
  return {
      {"totalRoutingDecisions", now.of(Kind::routing_decision)},
      {"totalTaskExecutions", now.of(Kind::task_execution)},
      {"totalEvaluationOutcomes", now.of(Kind::evaluation_outcome)},
      {"averageCompletionTimeMs", average_ms(now)},
      {"overallSuccessRate", success_rate(now)},
      {"collectionStartedAt", time_value(s.collection_started_ns)},
      {"lastUpdatedAt", time_value(s.last_updated_ns)},
      {"retainedEvents", now.events()},
      {"eventsByType", by_type(now)},
      {"successes", now.successes},
      {"joinedExecutions", now.joined},
      {"losses",
       {{"dropped", lost.dropped()},
        {"refused", lost.refused()},
        {"quarantined", lost.quarantined},
        {"stateRewound", lost.rewound},
        {"inFlightAtKill", lost.in_flight},
        {"droppedByReason", by_reason(kDropNames, lost.dropped_by)},
        {"refusedByReason", by_reason(kRefusalNames, lost.refused_by)}}},
      {"lifetime",
       {{"recordedEvents", ever.events()},
        {"eventsByType", by_type(ever)},
        {"totalTaskExecutions", ever.of(Kind::task_execution)},
        {"overallSuccessRate", success_rate(ever)},
        {"averageCompletionTimeMs", average_ms(ever)},
        {"retainedOut", s.lifetime.retained_out},
        {"cleared", s.lifetime.cleared},
        {"attempted", lost.attempted},
        {"createdAt", time_value(s.lifetime.created_unix_ns)}}},
  };
}

json::object status_json(Engine& engine) {
  const journal::Statistics s = engine.journal().statistics();
  const Losses lost = losses(engine.journal());
  json::array producers;
  std::size_t lanes = 0;
  for (const ingest::Source& source : engine.lanes().sources()) {
    lanes += source.lanes.size();
    if (producers.size() == 100) continue;
    std::uint64_t unread = 0, backed = 0, delivered = 0, dropped = 0;
    for (const ingest::Lane& lane : source.lanes) {
      delivered += lane.cursor.delivered;
      dropped += lane.cursor.dropped;
      unread += lane.reader.unread_records(lane.cursor.position);
      backed += lane.reader.backed_records();
    }
    producers.push_back({{"segment", segment_name(source.segment.id())},
                         {"process", source.segment.process()},
                         {"pid", source.segment.header().pid},
                         {"uid", source.segment.owner_uid()},
                         {"lanes", source.lanes.size()},
                         {"delivered", delivered},
                         {"dropped", dropped},
                         {"fill", backed == 0 ? 0.0 : static_cast<double>(unread) / static_cast<double>(backed)},
                         {"ended", source.ended},
                         {"quarantined", source.quarantined}});
  }
  const join::Counts& joined = engine.join().counts();
  return {
      {"version", ARBITER_VERSION},
      {"pid", getpid()},
      {"startedAt", time_value(engine.started_ns())},
      {"uptimeSeconds", static_cast<double>(engine.timeline().now_ns() - engine.started_ns()) / 1e9},
      {"enabled", !engine.disabled()},
      {"anonymizing", !engine.key_fingerprint().empty()},
      {"keyFingerprint", engine.key_fingerprint()},
      {"ringDir", engine.config().ring_dir},
      {"stateDir", engine.config().state_dir},
      {"exportDir", engine.config().export_dir},
      {"segments", engine.lanes().sources().size()},
      {"lanes", lanes},
      {"producers", std::move(producers)},
      {"filesLeftAlone", engine.lanes().refused_files()},
      {"losses",
       {{"dropped", lost.dropped()}, {"refused", lost.refused()}, {"quarantined", lost.quarantined}, {"stateRewound", lost.rewound}}},
      {"join",
       {{"openExecutions", engine.join().open()},
        {"waitingCompletions", engine.join().waiting()},
        {"censoredStarts", joined.censored},
        {"lateStarts", joined.late_starts},
        {"lateDecisions", joined.late_decisions}}},
      {"journal",
       {{"retainedEvents", s.retained.events()},
        {"diskBytes", s.disk_bytes},
        {"segments", s.segments},
        {"sealedSegments", s.sealed},
        {"frames", s.frames},
        {"damagedBlocks", s.damaged_blocks},
        {"syncFailures", s.sync_failures},
        {"writeFailures", s.write_failures}}},
      {"drain",
       {{"events", engine.drain().counts().events},
        {"batches", engine.drain().counts().batches},
        {"quarantinedLanes", engine.drain().counts().quarantined_lanes}}},
      {"clock", {{"stampsClamped", engine.timeline().clamped()}, {"steps", engine.timeline().steps()}}},
  };
}

}  // namespace arbiter::service
