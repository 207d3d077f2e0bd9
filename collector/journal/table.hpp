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
  std::string participant;  // as read
};

// All but the participant's state, which is most of it and comes behind: so many bytes.
std::string encode_table(const Table& table, std::uint64_t participant_bytes);
// But for the participant's state, or all of it.
enum class OfTable : std::uint8_t { but_state, all };
std::optional<Table> decode_table(std::string_view bytes, OfTable wanted = OfTable::all);  // nothing: not a table

}  // namespace arbiter::journal
