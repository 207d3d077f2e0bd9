// The state that opens each segment: enough to go on without any segment before it. Also what a checkpoint holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/journal/edges.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::journal {

// The link of a sealed segment that is gone, or is the newest: the next one is verified against it.
struct Anchor {
  std::uint64_t segment = 0;
  Link link{};
};

struct Table {
  std::uint64_t last_frame = 0;        // before the table
  std::uint64_t previous_segment = 0;  // 0: this is the first
  std::uint64_t previous_end = 0;      // offset at which its frames end
  EventKey edge = kBeforeAll;
  std::vector<Era> eras;
  Totals lifetime;
  std::uint64_t cleared = 0;
  std::int64_t created_unix_ns = 0, collection_started_ns = 0, last_updated_ns = 0;
  ClosedLanes closed;
  std::vector<std::pair<LaneId, Cursor>> lanes;
  std::vector<Anchor> anchors;
  std::string participant;  // its state, as read; most of a table, and not among the fields
};

std::string encode_fields(const Table& table);
std::optional<Table> decode_fields(std::string_view bytes);  // nothing: not those of a table

}  // namespace arbiter::journal
