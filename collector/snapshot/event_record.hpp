// A stored event as bytes that sort and that can be set aside: the key compares, byte by byte, as EventKey does.
//
//   key      8 bytes time (big-endian, sign bit turned), 16 segment id, 4 lane, 8 sequence (big-endian)
//   payload  16 segment id, 4 lane, 4 revision, 8 retention time, 8 frame (this machine's order), the event as event::encode writes it
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "collector/journal/journal.hpp"

namespace arbiter::snapshot {

inline constexpr std::size_t kEventKeyBytes = 36;
using EventKeyBytes = std::array<char, kEventKeyBytes>;

EventKeyBytes event_key_bytes(const journal::StoredEvent& e);
EventKeyBytes event_key_bytes(std::int64_t time_ns);  // of none, but below all of that time
inline std::string_view view(const EventKeyBytes& key) { return {key.data(), key.size()}; }

// Appends `text` so that, whatever follows, bytes compare as the texts do (a 0 byte becomes 0 255; 0 0 ends it).
void append_sortable(std::string& out, std::string_view text);

void append_event_record(std::string& out, const journal::StoredEvent& e);

inline Error damaged_while_sorting() { return {"an event came back damaged from sorting: look at the disk"}; }

// The event that a payload holds; its strings are views of the payload.
class EventRecord {
 public:
  bool read(std::string_view payload);  // false: not what append_event_record wrote
  journal::StoredEvent event() const { return {lane_, values_, journal::time_of(values_), retention_ns_, revision_, frame_}; }
  const event::Values& values() const { return values_; }

 private:
  LaneId lane_;
  std::uint32_t revision_ = 0;
  std::int64_t retention_ns_ = 0;
  std::uint64_t frame_ = 0;
  event::Values values_;
};

}  // namespace arbiter::snapshot
