// Others doing the same work, one after the other in each round, so that what the machine does in the meantime happens to all.
#include <cstdio>
#include <map>
#include <string>

#include "tests/bench/bounds.hpp"
#include "tests/bench/modes.hpp"
#include "tests/bench/peers/peer.hpp"
#include "tests/bench/program.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSecondsSaturated = 1, kBursts = 200, kPaced = 20'000;
constexpr std::string_view kOurs = "arbiter", kOursAcknowledged = "arbiter, only acknowledged";

struct Cost {
  double ns = 0;
  bool far = false;
};
using Costs = std::map<std::string, Cost, std::less<>>;

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

Result<void> back_to_back(const Setting& setting, Report& report, const Peer& peer, Manner manner, Costs& costs) {
  const bool saturated = manner == Manner::saturated;
  const std::uint64_t events =
      saturated ? setting.count_of(peer.events_per_s * kSecondsSaturated) : setting.count_of(kBursts) * exchange::kBurst;
  const auto seen = peer.exchange(setting, manner, events);
  if (!seen) return seen.error().while_(peer.name);
  const bool far = seen->round_trip_ns > kFarRoundTripNs;
  const std::string what = std::string(peer.name) + (far ? ", far" : ", near");
  report.add("compare", saturated ? "a call, saturated" : "a call, burst", what, "ns", seen->ns_per_event).note = said_share(*seen);
  if (saturated) report.add("compare", "from end to end, saturated", what, "million/s", seen->events_per_s / 1e6).note = said_share(*seen);
  costs[peer.name] = {seen->ns_per_event, far};
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

// How many times ours another's call costs; only of two that found the processors in the same places.
void times(Report& report, const char* manner, const Costs& costs, std::string_view ours) {
  const auto mine = costs.find(ours);
  for (const auto& [name, cost] : costs) {
    if (name == kOurs || name == kOursAcknowledged || cost.far != mine->second.far) continue;
    Row& row = report.add("compare", std::string("costs so many times ours, ") + manner, name + (cost.far ? ", far" : ", near"), "times",
                          cost.ns / mine->second.ns);
    if (manner != std::string_view("burst")) continue;
    if (name == "LTTng-UST, 24 fields") row.goal = 10;
    if (name == "LTTng-UST, one blob") row.goal = 4;
    row.goal_is_least = true;
  }
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
  Costs burst, saturated;
  for (const Peer& peer : peers())
    if (auto done = back_to_back(setting, report, peer, Manner::burst, burst); !done) return done;
  times(report, "burst", burst, kOurs);
  for (const Peer& peer : peers())
    if (auto done = back_to_back(setting, report, peer, Manner::saturated, saturated); !done) return done;
  times(report, "saturated", saturated, kOursAcknowledged);
  for (const Peer& peer : peers())
    if (auto done = at_a_pace(setting, report, peer); !done) return done;
  return {};
}

}  // namespace arbiter::bench
