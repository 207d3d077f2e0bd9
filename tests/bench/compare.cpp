// Others doing the same work, one after the other in each round, so that what the machine does in the meantime happens to all.
#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/bench/bounds.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/peer.hpp"
#include "tests/bench/program.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSecondsSaturated = 1, kBursts = 200, kPaced = 20'000;
constexpr int kTriesMax = 4;
constexpr std::string_view kOurs = "arbiter", kOursAcknowledged = "arbiter, only acknowledged";

Result<void> all_there() {
  std::string missing = missing_peers();
  for (const char* program : {"lttng", "lttng-sessiond"})
    if (found_program(program).empty()) missing += (missing.empty() ? "" : ", ") + std::string("the program ") + program;
  if (missing.empty()) return {};
  return Error{"without " + missing + " this would be a table with rows left out: run tools/bench-setup, then build anew"};
}

std::string said_share(const Exchanged& seen) {
  if (seen.lost == 0) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%.1f%% lost", 100.0 * static_cast<double>(seen.lost) / static_cast<double>(seen.events));
  return text;
}

std::string placed(const Peer& peer, const Exchanged& seen) {
  return std::string(peer.name) + (seen.round_trip_ns > kFarRoundTripNs ? ", far" : ", near");
}

Result<Exchanged> back_to_back(const Setting& setting, const Peer& peer, Manner manner) {
  const std::uint64_t events =
      manner == Manner::saturated ? setting.count_of(peer.events_per_s * kSecondsSaturated) : setting.count_of(kBursts) * exchange::kBurst;
  const auto seen = peer.exchange(setting, manner, events);
  if (!seen) return seen.error().while_(peer.name);
  return seen;
}

// How many times ours this call costs: ours is measured again right behind it, until the host has the processors where it had them then.
Result<void> times_ours(const Setting& setting, Report& report, const Peer& peer, Manner manner, const Exchanged& seen) {
  const Peer& ours = *std::find_if(peers().begin(), peers().end(),
                                   [&](const Peer& p) { return p.name == (manner == Manner::saturated ? kOursAcknowledged : kOurs); });
  const bool far = seen.round_trip_ns > kFarRoundTripNs;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const auto mine = back_to_back(setting, ours, manner);
    if (!mine) return mine.error();
    if ((mine->round_trip_ns > kFarRoundTripNs) != far) continue;
    const bool saturated = manner == Manner::saturated;
    Row& row = report.add("compare", saturated ? "costs so many times ours, saturated" : "costs so many times ours, burst",
                          placed(peer, seen), "times", seen.ns_per_event / mine->ns_per_event);
    const std::string_view name = peer.name;
    if (!saturated && name == "LTTng-UST, 24 fields") row.goal = 10;
    if (!saturated && name == "LTTng-UST, one blob") row.goal = 4;
    if (saturated && name == "Boost spsc_queue") row.goal = 1;
    row.goal_is_least = true;
    break;
  }
  return {};
}

Result<void> all_back_to_back(const Setting& setting, Report& report, Manner manner) {
  const bool saturated = manner == Manner::saturated;
  for (const Peer& peer : peers()) {
    const auto seen = back_to_back(setting, peer, manner);
    if (!seen) return seen.error();
    const std::string what = placed(peer, *seen);
    report.add("compare", saturated ? "a call, saturated" : "a call, burst", what, "ns", seen->ns_per_event).note = said_share(*seen);
    if (saturated)
      report.add("compare", "from end to end, saturated", what, "million/s", seen->events_per_s / 1e6).note = said_share(*seen);
    if (peer.name == kOurs || peer.name == kOursAcknowledged) continue;
    if (auto done = times_ours(setting, report, peer, manner, *seen); !done) return done;
  }
  return {};
}

Result<void> at_a_pace(const Setting& setting, Report& report, const Peer& peer) {
  const auto seen = peer.exchange(setting, Manner::paced, setting.count_of(kPaced));
  if (!seen) return seen.error().while_(peer.name);
  report.add("compare", "a call of 10,000 a second, p50", peer.name, "ns", seen->p50);
  report.add("compare", "a call of 10,000 a second, p99", peer.name, "ns", seen->p99);
  report.add("compare", "a call of 10,000 a second, p99.9", peer.name, "ns", seen->p999).note = said_share(*seen);
  return {};
}

void bounds(const Setting& setting, Report& report) {
  peer_event event{};
  fill(event, 1);
  const auto bytes = std::as_bytes(std::span(&event, 1));
  const std::uint64_t events = setting.count_of(2e6);
  report.add("compare", "bound", "storing the same bytes", "ns", store_ns(bytes, events, false));
  report.add("compare", "bound", "a stamp, and storing the same bytes", "ns", store_ns(bytes, events, true));
  report.add("compare", "bound", "rdtsc", "ns", cycles_ns());
  report.add("compare", "bound", "clock_gettime", "ns", clock_gettime_ns());
  report.add("compare", "bound", "an empty call", "ns", empty_call_ns());
}

}  // namespace

Result<void> compare(const Setting& setting, Report& report) {
  if (auto ready = all_there(); !ready) return ready;
  bounds(setting, report);
  for (const Manner manner : {Manner::burst, Manner::saturated})
    if (auto done = all_back_to_back(setting, report, manner); !done) return done;
  for (const Peer& peer : peers())
    if (auto done = at_a_pace(setting, report, peer); !done) return done;
  return {};
}

}  // namespace arbiter::bench
