#include "tests/crash/judge.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace arbiter::crash {
namespace {

namespace json = test::json;
using CallId = std::pair<std::uint32_t, std::uint32_t>;  // slot, n

constexpr std::size_t kExamplesMax = 8;

// What the ledger says, all slots together.
struct Told {
  std::set<CallId> recorded, in_flight;
  std::uint64_t full = 0, no_lane = 0, refused = 0, attempted = 0;
};

// After the file of slot 0's lane was removed under it: what came before the last call that found it full went with it.
std::uint32_t wiped_up_to(const Ledger& ledger, const Expected& expected, std::uint32_t slot) {
  if (expected.kept != Expected::Kept::after_wipe || slot != kHeavySlot) return 0;
  std::uint32_t last = ledger.slots[slot].ended.load(std::memory_order_acquire);
  while (last > 0 && ledger.slots[slot].answer[last].load(std::memory_order_relaxed) != Answer::full) --last;
  return last;
}

Told told(const Ledger& ledger, const Expected& expected) {
  Told t;
  for (std::uint32_t s = 0; s < kSlots; ++s) {
    const Slot& slot = ledger.slots[s];
    const std::uint32_t ended = slot.ended.load(std::memory_order_acquire), begun = slot.begun.load(std::memory_order_acquire);
    for (std::uint32_t n = wiped_up_to(ledger, expected, s) + 1; n <= ended; ++n) {
      const Answer answer = slot.answer[n].load(std::memory_order_relaxed);
      if (answer == Answer::recorded) t.recorded.emplace(s, n);
      t.full += answer == Answer::full;
      t.no_lane += answer == Answer::no_lane;
      t.refused += answer == Answer::refused;
      t.attempted += answer != Answer::disabled;
    }
    if (begun > ended) t.in_flight.emplace(s, begun);
  }
  return t;
}

std::uint64_t number(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(json::string_view(name.data(), name.size()));
  return value == nullptr ? 0 : value->to_number<std::uint64_t>();
}

class Judging {
 public:
  Judging(const Ledger& ledger, const Found& found, const Expected& expected)
      : ledger_(ledger), found_(found), expected_(expected), told_(told(ledger, expected)) {}

  Verdict all() {
    verdict_.recorded = told_.recorded.size();
    verdict_.found = found_.events.size();
    look_at_events();
    look_for_lost();
    look_at_lanes();
    look_at_sums();
    look_at_closed();
    for (const std::string& id : found_.out_of_order) example(verdict_.disordered, "the journal has " + id + " after a later one");
    return std::move(verdict_);
  }

 private:
  void example(std::uint64_t& counter, const std::string& what) {
    ++counter;
    if (verdict_.examples.size() < kExamplesMax) verdict_.examples.push_back(what);
  }
  static std::string name(const CallId& call) { return "call " + std::to_string(call.second) + " of slot " + std::to_string(call.first); }

  bool to_be_gone(const CallId& call) const { return expected_.kept == Expected::Kept::since && call.first < expected_.limit; }

  void look_at_events() {
    for (const std::string& line : found_.strangers) example(verdict_.torn, "nobody recorded " + line);
    for (const FoundEvent& e : found_.events) {
      const CallId call{e.slot, e.n};
      if (e.torn) example(verdict_.torn, name(call) + " is not what it recorded");
      if (!there_.insert(call).second) {
        example(verdict_.duplicated, name(call) + " is there twice");
        continue;
      }
      if (to_be_gone(call) || (!told_.recorded.contains(call) && !told_.in_flight.contains(call)))
        example(verdict_.never_recorded, name(call) + " is there, and should not be");
    }
  }

  // What has to be there. A call in flight at a kill may have been recorded: whoever finds it counts it.
  std::set<CallId> required() const {
    std::set<CallId> all = told_.recorded;
    for (const CallId& call : told_.in_flight)
      if (there_.contains(call)) all.insert(call);
    switch (expected_.kept) {
      case Expected::Kept::all:
      case Expected::Kept::after_wipe: return all;
      case Expected::Kept::since: std::erase_if(all, [&](const CallId& call) { return to_be_gone(call); }); return all;
      case Expected::Kept::newest: {
        std::vector<std::pair<std::int64_t, CallId>> by_time;
        for (const CallId& call : all) by_time.emplace_back(time_of(ledger_.base_ns, call.first, call.second), call);
        std::sort(by_time.rbegin(), by_time.rend());
        if (by_time.size() > expected_.limit) by_time.resize(expected_.limit);
        std::set<CallId> newest;
        for (const auto& [time, call] : by_time) newest.insert(call);
        return newest;
      }
      case Expected::Kept::suffix: {
        std::map<std::uint32_t, std::uint32_t> oldest;  // that is there, by slot
        for (const CallId& call : there_)
          if (const auto [at, fresh] = oldest.emplace(call.first, call.second); !fresh) at->second = std::min(at->second, call.second);
        std::erase_if(all, [&](const CallId& call) {
          const auto at = oldest.find(call.first);
          return at == oldest.end() || call.second < at->second;
        });
        return all;
      }
    }
    return all;
  }

  void look_for_lost() {
    const std::set<CallId> required = this->required();
    for (const CallId& call : required)
      if (!there_.contains(call)) example(verdict_.lost, name(call) + " was recorded and is not there");
    if (expected_.kept == Expected::Kept::newest)
      for (const CallId& call : there_)
        if (!required.contains(call)) example(verdict_.never_recorded, name(call) + " is there, and should have been let go");
  }

  // How many of the slot's calls up to this one were attempts in its lane.
  std::uint64_t attempts(const CallId& call) const {
    std::uint64_t sum = 0;
    for (std::uint32_t n = 1; n <= call.second; ++n) {
      const Answer answer = ledger_.slots[call.first].answer[n].load(std::memory_order_relaxed);
      sum += answer != Answer::disabled && answer != Answer::no_lane;
    }
    return sum;
  }

  // A lane's sequence counts attempts: those of a slot follow each other in it without a gap, one slot after the other.
  void look_at_lanes() {
    std::map<std::string, std::map<std::uint32_t, std::uint64_t>> bases;  // by lane and slot: sequence of the call before its first
    for (const FoundEvent& e : found_.events) {
      const std::uint64_t base = e.sequence - attempts({e.slot, e.n});
      const auto [at, fresh] = bases[e.lane].emplace(e.slot, base);
      if (!fresh && at->second != base) example(verdict_.disordered, name({e.slot, e.n}) + " has sequence " + std::to_string(e.sequence));
    }
    for (const auto& [lane, slots] : bases) {
      std::vector<std::pair<std::uint64_t, std::uint32_t>> in_turn;
      for (const auto& [slot, base] : slots) in_turn.emplace_back(base, slot);
      std::sort(in_turn.begin(), in_turn.end());
      for (std::size_t i = 1; i < in_turn.size(); ++i)
        if (in_turn[i - 1].first +
                attempts({in_turn[i - 1].second, ledger_.slots[in_turn[i - 1].second].ended.load(std::memory_order_acquire)}) >
            in_turn[i].first)
          example(verdict_.disordered, "lane " + lane + ": slots " + std::to_string(in_turn[i - 1].second) + " and " +
                                           std::to_string(in_turn[i].second) + " overlap");
    }
  }

  void equal(const std::string& what, std::uint64_t is, std::uint64_t should) { between(what, is, should, should); }
  void between(const std::string& what, std::uint64_t is, std::uint64_t low, std::uint64_t high) {
    if (is >= low && is <= high) return;
    verdict_.account.push_back(what + " is " + std::to_string(is) + ", not " + std::to_string(low) +
                               (low == high ? "" : " to " + std::to_string(high)));
  }

  void look_at_sums() {
    const json::object& losses = found_.stats.at("losses").as_object();
    const json::object& lifetime = found_.stats.at("lifetime").as_object();
    const std::uint64_t recorded = number(lifetime, "recordedEvents"), attempted = number(lifetime, "attempted"),
                        dropped = number(losses, "dropped"), refused = number(losses, "refused"),
                        in_flight = number(losses, "inFlightAtKill"), quarantined = number(losses, "quarantined"),
                        open = told_.in_flight.size();
    equal("attempted", attempted, recorded + dropped + refused + in_flight + quarantined + number(losses, "stateRewound"));
    equal("stateRewound", number(losses, "stateRewound"), 0);
    between("inFlightAtKill", in_flight, 0, open);
    equal("quarantined", quarantined, expected_.quarantined);
    if (quarantined > expected_.quarantined) verdict_.torn += quarantined - expected_.quarantined;
    between("lifetime.recordedEvents", recorded, told_.recorded.size(), told_.recorded.size() + open);
    const std::uint64_t bad = expected_.quarantined;
    between("attempted", attempted, told_.attempted - told_.no_lane + bad, told_.attempted + open + bad);
    between("dropped", dropped, told_.full, told_.full + told_.no_lane + open);
    between("refused", refused, told_.refused, told_.refused + open);
    equal("retainedEvents", number(found_.stats, "retainedEvents"), found_.events.size());
    equal("retainedOut", number(lifetime, "retainedOut") + number(lifetime, "cleared"), recorded - found_.events.size());
    equal("damagedBlocks", number(found_.status.at("journal").as_object(), "damagedBlocks"), 0);

    std::map<std::string, std::uint64_t> by_type;
    std::uint64_t successes = 0, joined = 0;
    for (const FoundEvent& e : found_.events) joined += e.joined;
    for (const CallId& id : there_) {
      const Call call = call_of(ledger_, id.first, id.second);
      switch (call.what) {
        case What::decision: ++by_type["routing-decision"]; break;
        case What::evaluation: ++by_type["evaluation-outcome"]; break;
        case What::generic: ++by_type["filling"]; break;
        case What::start: ++by_type["task-start"]; break;
        case What::complete: ++by_type["task-execution"], successes += call.success; break;
        case What::refused: break;
      }
    }
    const json::object& said = found_.stats.at("eventsByType").as_object();
    equal("kinds in eventsByType", said.size(), by_type.size());
    for (const auto& [type, count] : by_type) equal("eventsByType." + type, number(said, type), count);
    equal("successes", number(found_.stats, "successes"), successes);
    equal("joinedExecutions", number(found_.stats, "joinedExecutions"), joined);
    if (joined != 0 && found_.stats.at("averageCompletionTimeMs").to_number<double>() != kDurationMs)
      verdict_.account.push_back("averageCompletionTimeMs is " + json::serialize(found_.stats.at("averageCompletionTimeMs")));
  }

  // The final accounts of lanes, as they lie in the journal.
  void look_at_closed() {
    std::map<std::string, std::uint64_t> delivered;
    for (const FoundEvent& e : found_.events) ++delivered[e.lane];
    for (const auto& [lane, accounts] : found_.closed) {
      if (accounts.size() != 1) verdict_.account.push_back("lane " + lane + " was closed " + std::to_string(accounts.size()) + " times");
      const journal::ClosedLanes& a = accounts.front();
      std::uint64_t ends = a.delivered + a.quarantined + a.rewound + a.in_flight;
      for (const std::uint64_t n : a.dropped_by) ends += n;
      for (const std::uint64_t n : a.refused_by) ends += n;
      equal("attempted of lane " + lane, a.attempted, ends);
      between("in flight of lane " + lane, a.in_flight, 0, 1);
      if (expected_.kept == Expected::Kept::all) equal("delivered of lane " + lane, a.delivered, delivered[lane]);
    }
    if (expected_.kept == Expected::Kept::all && !found_.closed.empty())
      equal("events in frames", found_.frames_events, found_.events.size());
  }

  const Ledger& ledger_;
  const Found& found_;
  const Expected& expected_;
  const Told told_;
  std::set<CallId> there_;
  Verdict verdict_;
};

}  // namespace

std::string Verdict::text() const {
  std::string out = std::to_string(recorded) + " recorded, " + std::to_string(found) + " found";
  const auto add = [&](std::uint64_t n, const char* what) {
    if (n != 0) out += ", " + std::to_string(n) + " " + what;
  };
  add(lost, "LOST");
  add(duplicated, "DUPLICATED");
  add(torn, "TORN");
  add(never_recorded, "NEVER RECORDED");
  add(disordered, "OUT OF ORDER");
  for (const std::string& line : account) out += "; account: " + line;
  for (const std::string& line : examples) out += "; " + line;
  return out;
}

Verdict judge(const Ledger& ledger, const Found& found, const Expected& expected) { return Judging(ledger, found, expected).all(); }

}  // namespace arbiter::crash
