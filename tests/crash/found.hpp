// What there is after a run: by the newest snapshot, by the statistics, and by the frames of the journal as they lie on disk.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/event_key.hpp"
#include "collector/journal/journal.hpp"
#include "tests/crash/plan.hpp"
#include "tests/process/harness.hpp"

namespace arbiter::crash {

struct FoundEvent {
  std::string id;    // of the export
  std::string lane;  // the part of it that names the lane
  std::uint64_t sequence = 0;
  std::uint32_t slot = 0, n = 0;  // the call that made it
  std::int64_t time_ns = 0;
  bool joined = false;  // an execution whose start is known
  bool torn = false;    // it is not what that call recorded
};

struct Found {
  std::vector<FoundEvent> events;      // of the snapshot, in its order
  std::vector<std::string> strangers;  // lines of it that no call has made
  test::json::object stats, status;

  // Of the journal on disk, over all segments that there are.
  std::uint64_t frames_events = 0;
  std::vector<std::string> out_of_order;  // events whose sequence is not above that of the one before in their lane
  std::map<std::string, std::vector<journal::ClosedLanes>> closed;  // by lane: its final accounts, of which there must be one
};

void read_snapshot(const test::fs::path& snapshot, const Ledger& ledger, Found& found);
void read_journal(const test::fs::path& directory, Found& found);

}  // namespace arbiter::crash
