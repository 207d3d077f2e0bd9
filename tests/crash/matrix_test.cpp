// The matrix: a SIGKILL at every named place of the product, at its first, second and a later passing; for the collector also a second one
// at the same place while it recovers. After each the account has to be exact, to the event. (Preset testpoints.)
//
// One test case a part, so that they run side by side. ARBITER_CRASH_LABELS=label,label narrows a part to these.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

#include "tests/crash/labels.hpp"
#include "tests/crash/scene.hpp"

using namespace arbiter::crash;

namespace {

// A scenario in which labels are passed: perhaps only after a kill at another one.
struct Way {
  const char* scenario;
  std::vector<std::string> after;
  bool producer = false;  // it is the first producer that is killed
};

struct Measured {
  Way way;
  std::map<std::string, std::uint64_t> passings;
};

bool chosen(const std::string& label) {
  const char* const only = std::getenv("ARBITER_CRASH_LABELS");
  return only == nullptr || ("," + std::string(only) + ",").find("," + label + ",") != std::string::npos;
}

Measured measure(const Way& way) {
  const Outcome outcome = play({.scenario = &scenario(way.scenario), .collector_orders = way.after});
  INFO(way.scenario);
  REQUIRE_MESSAGE(outcome.stuck.empty(), outcome.stuck);
  REQUIRE_MESSAGE(outcome.verdict.good(), outcome.verdict.text());
  REQUIRE(outcome.collector_killed == way.after.size());
  std::printf("  %-10s %5.2f s   %s\n", way.scenario, outcome.seconds, outcome.verdict.text().c_str());
  return {way, outcome.passings};
}

struct Tally {
  std::size_t runs = 0, kills = 0, wrong = 0;
};

// One run: killed at the n-th passing, then at each further order. True: the kill came to pass.
bool kill_once(const Measured& at, const std::string& label, const std::vector<std::uint64_t>& passings, Tally& tally,
               std::string& verdict) {
  Run run{.scenario = &scenario(at.way.scenario), .collector_orders = at.way.after};
  std::vector<std::string> orders;
  for (const std::uint64_t n : passings) orders.push_back(label + ":" + std::to_string(n));
  if (at.way.producer)
    run.producer_order = orders.front();
  else
    run.collector_orders.insert(run.collector_orders.end(), orders.begin(), orders.end());
  const Outcome outcome = play(run);
  ++tally.runs;
  const std::size_t kills =
      at.way.producer ? outcome.producer_killed : outcome.collector_killed - std::min(outcome.collector_killed, at.way.after.size());
  tally.kills += kills + (at.way.producer ? 0 : at.way.after.size());
  CAPTURE(label);
  CAPTURE(orders.front());
  CHECK_MESSAGE(outcome.stuck.empty(), outcome.stuck);
  CHECK_MESSAGE((!outcome.stuck.empty() || outcome.verdict.good()), outcome.verdict.text());
  if (!outcome.stuck.empty() || !outcome.verdict.good()) {
    ++tally.wrong;
    verdict = outcome.stuck.empty() ? outcome.verdict.text() : "stuck";
  }
  return kills > 0;
}

// Which passings beside the first. A write may be torn anywhere, so of that one there are more.
std::set<std::uint64_t> passings_of(const std::string& label, std::uint64_t most) {
  std::set<std::uint64_t> wanted{2, most / 2};
  if (label == "file.half_written")
    for (std::uint64_t n = 3; n < most; n += n / 2 + 1) wanted.insert(n);
  wanted.erase(0), wanted.erase(1);
  return wanted;
}

// False: it was passed while measuring, and not now; so it depends on who is faster, and another way may be surer.
bool kill_at(const Measured& at, const std::string& label, Tally& tally) {
  const std::uint64_t most = at.passings.at(label);
  const std::size_t kills_before = tally.kills;
  std::string verdict = "exact", reached = "1";
  if (!kill_once(at, label, {1}, tally, verdict)) return false;
  if (!at.way.producer) {
    kill_once(at, label, {1, 1}, tally, verdict);
    reached += " 1+1";
  }
  for (const std::uint64_t n : passings_of(label, most))
    if (n <= most && kill_once(at, label, {n}, tally, verdict)) reached += " " + std::to_string(n);
  std::printf("  %-26s passed %6llu times   killed %2zu times, at %-18s %s\n", label.c_str(), static_cast<unsigned long long>(most),
              tally.kills - kills_before, reached.c_str(), verdict.c_str());
  std::fflush(stdout);
  return true;
}

void part(const std::string& name, const std::vector<Way>& ways) {
  std::set<std::string> open;
  for (const std::string& label : labels_in_the_tree())
    if (part_of(label) == name && chosen(label)) open.insert(label);
  if (open.empty()) return;
  std::printf("%s: %zu labels\n", name.c_str(), open.size());
  Tally tally;
  for (const Way& way : ways) {
    if (open.empty()) break;
    const Measured measured = measure(way);
    for (const auto& [label, n] : measured.passings)
      if (open.contains(label) && kill_at(measured, label, tally)) open.erase(label);
  }
  for (const std::string& label : open) FAIL_CHECK(label << " is passed by no run of this part, or not for sure");
  std::printf("%s: %zu runs, %zu kills, %zu wrong\n", name.c_str(), tally.runs, tally.kills, tally.wrong);
}

}  // namespace

TEST_CASE("every label belongs to a part of the matrix") {
  const auto labels = labels_in_the_tree();
  CHECK(labels.size() > 90);
  for (const std::string& label : labels) CHECK_MESSAGE(!part_of(label).empty(), label);
}

TEST_CASE("producer: killed at any step of claim, growth, record and publish") {
  part("producer", {{"overflow", {}, true}, {"wiped", {}, true}});
}

TEST_CASE("drain: killed at any step of taking, acknowledging, closing, setting aside and switching") {
  part("drain", {{"flow", {}}, {"quarantine", {}}, {"flow", {"drain.unlinked:1"}}});
}

TEST_CASE("journal: killed at any step of a frame, of its sums, of a checkpoint and of the next segment") {
  part("journal", {{"flow", {}}});
}

TEST_CASE("seal: killed at any step of sealing and recycling") { part("seal", {{"flow", {}}}); }

TEST_CASE("retention: killed at any step of letting go and of forgetting everything") {
  part("retention", {{"newest", {}}, {"shrunk", {}}, {"bytes", {}}, {"clear", {}}});
}

TEST_CASE("recovery: killed at any step of coming back from a kill") {
  // Frames of an unfinished segment, a file that was being written, a raw segment whose sealed form is there.
  part("recovery", {{"paced", {"drain.committed:5"}}, {"flow", {"seal.synced:1"}}, {"flow", {"seal.renamed:1"}}});
}

TEST_CASE("snapshot: killed at any step of building, publishing and removing one") {
  part("snapshot", {{"snapshots", {}}, {"snapshots", {"snapshot.built:1"}}});
}
