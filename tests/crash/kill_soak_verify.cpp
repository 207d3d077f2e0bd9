#include "tests/crash/kill_soak_verify.hpp"

#include <algorithm>
#include <cmath>

#include "tools/arbiter-replay/lines.hpp"

namespace arbiter::soak {
namespace {

namespace json = boost::json;

std::string name_of(const LaneId& lane) { return "lane " + event_id(lane, 0); }
std::string name_of(const Attempt& a) {
  return "attempt " + std::to_string(a.number) + " of chunk " + std::to_string(a.chunk) + " in epoch " + std::to_string(a.epoch);
}

std::uint64_t number_at(const json::object& object, std::string_view path) {
  const json::object* at = &object;
  for (std::size_t dot; (dot = path.find('.')) != std::string_view::npos; path.remove_prefix(dot + 1)) {
    const json::value* const inner = at->if_contains(path.substr(0, dot));
    if (inner == nullptr || !inner->is_object()) return ~std::uint64_t{0};
    at = &inner->get_object();
  }
  const json::value* const v = at->if_contains(path);
  return v != nullptr && v->is_number() ? v->to_number<std::uint64_t>() : ~std::uint64_t{0};
}

std::map<std::string, std::uint64_t> counts_of(const json::object& object) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [key, value] : object) counts[std::string(key)] = value.to_number<std::uint64_t>();
  return counts;
}

}  // namespace

void Verifier::complain(std::string what) {
  constexpr std::size_t kMax = 40;
  if (wrong_.size() < kMax) wrong_.push_back(std::move(what));
}

void Verifier::take(const Exported& e, OfExport& found) {
  ++found.rows;
  ++found.retained_by_type[e.type];
  if (e.type == "task-execution") {
    found.successes += e.success;
    found.joined += e.joined;
  }
  if (e.attempt.epoch != ledger_.head().epoch.load(std::memory_order_acquire)) return;  // was looked at in its time
  if (e.attempt.chunk >= found.chunks.size() || e.attempt.number >= Chunk::kAttempts)
    return complain(name_of(e.attempt) + " was never made");
  OfChunk& chunk = found.chunks[e.attempt.chunk];
  if (chunk.delivered[e.attempt.number]) return complain(name_of(e.attempt) + " is there twice");
  chunk.delivered[e.attempt.number] = true;
  if (ledger_.chunk(e.attempt.chunk).lane != e.lane) complain(name_of(e.attempt) + " is in another lane than it was recorded in");
  if (!chunk.known) chunk.known = true, chunk.base = e.sequence - e.attempt.number;
  if (e.sequence - e.attempt.number != chunk.base) complain(name_of(e.attempt) + " has not the place that its sequence says");
  OfLane& lane = found.lanes[e.lane];
  if (e.sequence <= lane.last_sequence) complain(name_of(e.lane) + " is out of order at " + std::to_string(e.sequence));
  lane.last_sequence = e.sequence;
  ++lane.delivered;
  ++sums_.by_type[e.type];
  if (e.starts) found.starts[*e.starts] = e.time_ns;
  if (e.started_elsewhere) found.completions.push_back({*e.started_elsewhere, e.time_ns, e.joined, e.duration_ms});
}

void Verifier::read_export(const std::filesystem::path& snapshot, OfExport& found) {
  found.chunks.resize(std::min(ledger_.chunks(), Ledger::kChunksMax));
  for (OfChunk& chunk : found.chunks) chunk.delivered.resize(Chunk::kAttempts);
  auto lines = replay::Lines::open(snapshot / "events.jsonl.zst");
  if (!lines) return complain(lines.error().message);
  std::string why;
  for (;;) {
    const auto more = lines->next();
    if (!more) return complain(more.error().message);
    if (!*more) return;
    if (const auto event = check_exported(seed_, lines->line(), why))
      take(*event, found);
    else
      complain(why);
  }
}

// Who completed a start that another process had recorded finds it in its statistics, whoever was killed in between.
void Verifier::check_joins(const OfExport& found) {
  for (const Completion& c : found.completions) {
    const auto start = found.starts.find(c.start);
    if (start == found.starts.end()) {
      complain("the start that was " + name_of(c.start) + " is missing");
      continue;
    }
    const std::int64_t expected = std::max<std::int64_t>(0, c.time_ns - start->second);
    if (!c.joined || std::llround(c.duration_ms * 1e6) != expected)
      complain("the completion of " + name_of(c.start) + " says it took " + std::to_string(c.duration_ms) + " ms, not " +
               std::to_string(static_cast<double>(expected) / 1e6));
    ++sums_.completions_joined;
  }
}

// Per lane, to the event: what was attempted is delivered, dropped or refused, but for the one attempt that a kill cut off.
void Verifier::check_lanes(const OfExport& found, const JournalRead& journal) {
  struct Noted {
    std::uint64_t begun = 0, recorded = 0, dropped = 0, refused = 0, cut_off = 0, cut_off_delivered = 0;
  };
  std::map<LaneId, Noted> noted;
  for (std::uint32_t c = 0; c < found.chunks.size(); ++c) {
    Chunk& chunk = ledger_.chunk(c);
    const std::uint32_t begun = chunk.begun.load(std::memory_order_acquire);
    if (begun == 0) continue;
    ++sums_.chunks;
    Noted& n = noted[chunk.lane];
    const OfChunk& there = found.chunks[c];
    if (there.known && there.base != n.begun + 1)
      complain(name_of(chunk.lane) + ": chunk " + std::to_string(c) + " begins at " + std::to_string(there.base) + " after " +
               std::to_string(n.begun) + " attempts");
    for (std::uint32_t i = 0; i < Chunk::kAttempts; ++i) {
      const Outcome outcome = chunk.outcome[i].load(std::memory_order_acquire);
      const bool cut_off = outcome == Outcome::none && i + 1 == begun;
      n.recorded += outcome == Outcome::recorded;
      n.dropped += outcome == Outcome::dropped;
      n.refused += outcome == Outcome::refused;
      n.cut_off += cut_off;
      n.cut_off_delivered += cut_off && there.delivered[i];
      const Attempt attempt{ledger_.head().epoch.load(std::memory_order_acquire), c, i};
      if (outcome == Outcome::recorded && !there.delivered[i]) complain(name_of(attempt) + " was recorded and is not there");
      if (outcome != Outcome::recorded && !cut_off && there.delivered[i]) complain(name_of(attempt) + " was not recorded and is there");
      if (outcome == Outcome::disabled) complain(name_of(attempt) + " found recording switched off");
      if (outcome == Outcome::none && i + 1 < begun) complain(name_of(attempt) + " has no outcome and is not the last");
    }
    n.begun += begun;
  }

  std::map<LaneId, std::uint64_t> closed;
  for (const ClosedLane& lane : journal.closed) {
    const std::string name = name_of(lane.lane);
    if (++closed[lane.lane] > 1) complain(name + " was closed twice");
    const Noted n = noted.contains(lane.lane) ? noted[lane.lane] : Noted();
    const journal::Cursor& c = lane.last;
    const auto in_export = found.lanes.find(lane.lane);
    const std::uint64_t exported = in_export == found.lanes.end() ? 0 : in_export->second.delivered;
    const bool balanced = c.attempted == c.delivered + c.dropped + c.refused + lane.in_flight;
    const std::uint64_t unknown = n.cut_off - n.cut_off_delivered;  // what became of it is for the collector's account to say
    const bool fits = n.cut_off <= 1 && c.delivered == exported && exported == n.recorded + n.cut_off_delivered && c.attempted <= n.begun &&
                      c.attempted + unknown >= n.begun && c.dropped >= n.dropped && c.dropped <= n.dropped + unknown &&
                      c.refused >= n.refused && c.refused <= n.refused + unknown && lane.in_flight <= unknown && c.quarantined == 0 &&
                      c.rewound == 0;
    if (!balanced || !fits)
      complain(name + ": the collector says attempted " + std::to_string(c.attempted) + " delivered " + std::to_string(c.delivered) +
               " dropped " + std::to_string(c.dropped) + " refused " + std::to_string(c.refused) + " in flight " +
               std::to_string(lane.in_flight) + " quarantined " + std::to_string(c.quarantined) + " rewound " + std::to_string(c.rewound) +
               "; its producers begun " + std::to_string(n.begun) + " recorded " + std::to_string(n.recorded) + " dropped " +
               std::to_string(n.dropped) + " refused " + std::to_string(n.refused) + " cut off " + std::to_string(n.cut_off) +
               "; the export has " + std::to_string(exported));
    sums_.attempted += c.attempted;
    sums_.delivered += c.delivered;
    sums_.dropped += c.dropped;
    sums_.refused += c.refused;
    sums_.in_flight += lane.in_flight;
    sums_.cut_off += n.cut_off;
    sums_.cut_off_delivered += n.cut_off_delivered;
    ++sums_.lanes;
  }
  for (const auto& [lane, n] : noted)
    if (!closed.contains(lane)) complain(name_of(lane) + ": the journal does not say that it was closed");
}

void Verifier::check_statistics(const OfExport& found, const json::object& stats) {
  const auto expect = [&](std::string_view path, std::uint64_t expected) {
    if (const std::uint64_t said = number_at(stats, path); said != expected)
      complain("stats: " + std::string(path) + " is " + std::to_string(said) + ", not " + std::to_string(expected));
  };
  const std::uint64_t retained = std::min(sums_.delivered, max_events_);
  const auto type = [](const auto& counts, const char* name) {
    const auto it = counts.find(name);
    return it == counts.end() ? std::uint64_t{0} : it->second;
  };
  if (found.rows != retained) complain("the export has " + std::to_string(found.rows) + " rows, not " + std::to_string(retained));
  expect("retainedEvents", retained);
  expect("totalRoutingDecisions", type(found.retained_by_type, "routing-decision"));
  expect("totalTaskExecutions", type(found.retained_by_type, "task-execution"));
  expect("totalEvaluationOutcomes", type(found.retained_by_type, "evaluation-outcome"));
  expect("successes", found.successes);
  expect("joinedExecutions", found.joined);
  expect("losses.dropped", sums_.dropped);
  expect("losses.refused", sums_.refused);
  expect("losses.quarantined", 0);
  expect("losses.stateRewound", 0);
  expect("losses.inFlightAtKill", sums_.in_flight);
  expect("lifetime.recordedEvents", sums_.delivered);
  expect("lifetime.attempted", sums_.attempted);
  expect("lifetime.retainedOut", sums_.delivered - retained);
  if (counts_of(stats.at("eventsByType").as_object()) != found.retained_by_type)
    complain("stats: eventsByType is not what the export has: " + json::serialize(stats.at("eventsByType")));
  if (counts_of(stats.at("lifetime").at("eventsByType").as_object()) != sums_.by_type)
    complain("stats: lifetime.eventsByType is not what was recorded: " + json::serialize(stats.at("lifetime")));
}

bool Verifier::epoch(const std::filesystem::path& snapshot, const json::object& stats, const JournalRead& journal) {
  OfExport found;
  read_export(snapshot, found);
  for (const std::string& what : journal.wrong) complain(what);
  check_lanes(found, journal);
  check_joins(found);
  check_statistics(found, stats);
  return wrong_.empty();
}

}  // namespace arbiter::soak
