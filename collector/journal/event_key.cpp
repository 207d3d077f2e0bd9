#include "collector/event_key.hpp"

namespace arbiter {

std::string event_id(const LaneId& lane, std::uint64_t sequence) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string id;
  id.reserve(2 * lane.segment.size() + 32);
  for (const std::uint8_t byte : lane.segment) {
    id += digits[byte >> 4];
    id += digits[byte & 15];
  }
  id += '-';
  id += std::to_string(lane.lane);
  id += '-';
  id += std::to_string(sequence);
  return id;
}

}  // namespace arbiter
