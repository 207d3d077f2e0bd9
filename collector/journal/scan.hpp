// What the index needs to know of a segment, from its frames. The sealer writes it into the footer, recovery reads it there or scans again.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "collector/journal/frame.hpp"
#include "collector/journal/index.hpp"
#include "collector/journal/raw_segment.hpp"

namespace arbiter::journal {

struct ScannedBlock {
  BlockPlace place;
  std::uint64_t first_frame = 0, last_frame = 0;
  Summary arrived;  // events that were not out on arrival
};

struct ScannedAmendment {
  AmendmentPlace place{};
  AmendmentRecord record{};
  std::int64_t duration_ns = -1;  // that it gives to an execution
};

struct ScannedSegment {
  std::vector<ScannedBlock> blocks;
  std::vector<ScannedAmendment> amendments;
  std::uint64_t first_frame = 1, last_frame = 0;
  std::uint64_t end = 0;          // of the last frame
  std::uint64_t previous = 0;     // its checksum
  std::uint64_t last_offset = 0;  // where it begins
  std::uint64_t gaps = 0;         // places at which frames were damaged

  void add(const Frame& frame, std::uint64_t offset, const Summary& arrived);
};

// Sums of a frame's events at or above `edge`.
Summary summarise(std::span<const std::byte> body, const EventKey& edge, GenericNames& names);

// The duration that an amendment gives to its target, -1 if none.
std::int64_t duration_given(const AmendmentView& amendment);

// How far frames are known to reach, 0 where nobody knows: damage before that is stepped over, behind it the journal ends with the last
// whole frame. And where to stop at the latest, 0: at the end of the file.
struct Reach {
  std::uint64_t known = 0, limit = 0;
};

// Reads all frames behind the table. `on_frame` is called for each, in order. Error: the system refuses to read on.
Result<ScannedSegment> scan_raw(const RawSegment& segment, std::uint64_t last_frame_before, const Reach& reach, GenericNames& names,
                                const std::function<void(const Frame& frame, const Summary& arrived)>& on_frame = {});

}  // namespace arbiter::journal
