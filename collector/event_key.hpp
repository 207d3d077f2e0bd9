// Which event, and where it stands among all others.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>

#include "shm/abi.hpp"

namespace arbiter {

using SegmentId = std::array<std::uint8_t, 16>;

struct LaneId {
  SegmentId segment{};
  std::uint32_t lane = 0;
  auto operator<=>(const LaneId&) const = default;
  // Asked of every event: in words, without the call that comparing arrays becomes.
  bool operator==(const LaneId& other) const {
    std::uint64_t mine[2], its[2];
    std::memcpy(mine, segment.data(), sizeof mine);
    std::memcpy(its, other.segment.data(), sizeof its);
    return ((mine[0] ^ its[0]) | (mine[1] ^ its[1]) | (lane ^ other.lane)) == 0;
  }
};

// The total order of exports: by the event's time, ties in the order of recording. Unique: (lane, sequence) is.
struct EventKey {
  std::int64_t time_ns = 0;
  LaneId lane;
  std::uint64_t sequence = 0;
  auto operator<=>(const EventKey&) const = default;
};

// The event's own time where the caller gave one, else its stamp.
inline std::int64_t event_time_ns(std::int64_t stamp_ns, std::int64_t own_ns) { return own_ns == abi::kNoTime ? stamp_ns : own_ns; }

// The time that retention goes by: the event's own, but never later than its stamp, so that an event dated 2099 does not stay for ever.
inline std::int64_t retention_time_ns(std::int64_t stamp_ns, std::int64_t own_ns) {
  return own_ns == abi::kNoTime || own_ns > stamp_ns ? stamp_ns : own_ns;
}

// `id` of an exported event: 32 hex digits of the segment, lane and sequence in decimal. Stable across exports.
std::string event_id(const LaneId& lane, std::uint64_t sequence);

}  // namespace arbiter

template <>
struct std::hash<arbiter::LaneId> {
  std::size_t operator()(const arbiter::LaneId& id) const noexcept {
    std::uint64_t word;  // the segment id is random: any eight bytes of it are a hash
    __builtin_memcpy(&word, id.segment.data(), sizeof word);
    return word ^ id.lane * 0x9e3779b97f4a7c15ULL;
  }
};
