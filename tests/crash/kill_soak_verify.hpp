// Holds what the collector says (statistics, export, journal) against what the producers noted. Everything is exact.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/crash/kill_soak_content.hpp"
#include "tests/crash/kill_soak_journal.hpp"

namespace arbiter::soak {

// Since the beginning of the run.
struct Sums {
  std::uint64_t attempted = 0, delivered = 0, dropped = 0, refused = 0, in_flight = 0;  // as the collector has them
  std::uint64_t lanes = 0, chunks = 0, cut_off = 0;  // attempts that a kill interrupted, and of those the ones that are delivered
  std::uint64_t cut_off_delivered = 0;
  std::uint64_t completions_joined = 0;  // of starts that somebody else had recorded
  std::map<std::string, std::uint64_t> by_type;
};

class Verifier {
 public:
  Verifier(std::uint64_t seed, Ledger& ledger, std::uint64_t max_events) : seed_(seed), ledger_(ledger), max_events_(max_events) {}

  // After an epoch whose producers have all ended and whose lanes are closed. False: something is wrong.
  bool epoch(const std::filesystem::path& snapshot, const boost::json::object& stats, const JournalRead& journal);
  const Sums& sums() const { return sums_; }
  const std::vector<std::string>& wrong() const { return wrong_; }
  void complain(std::string what);

 private:
  struct OfChunk {
    std::vector<bool> delivered;
    std::uint64_t base = 0;  // sequence of its first attempt, by its first delivered event
    bool known = false;
  };
  struct OfLane {
    std::uint64_t last_sequence = 0, delivered = 0;
  };
  struct Completion {
    Attempt start;
    std::int64_t time_ns;
    bool joined;
    double duration_ms;
  };
  struct OfExport {
    std::vector<OfChunk> chunks;
    std::map<LaneId, OfLane> lanes;
    std::map<Attempt, std::int64_t> starts;
    std::vector<Completion> completions;
    std::map<std::string, std::uint64_t> retained_by_type;
    std::uint64_t rows = 0, successes = 0, joined = 0;
  };

  void read_export(const std::filesystem::path& snapshot, OfExport& found);
  void take(const Exported& event, OfExport& found);
  void check_joins(const OfExport& found);
  void check_lanes(const OfExport& found, const JournalRead& journal);
  void check_statistics(const OfExport& found, const boost::json::object& stats);

  std::uint64_t seed_;
  Ledger& ledger_;
  std::uint64_t max_events_;
  Sums sums_;
  std::vector<std::string> wrong_;
};

}  // namespace arbiter::soak
