#include "collector/snapshot/event_record.hpp"

namespace arbiter::snapshot {
namespace {

template <class Integer>
char* put_big_endian(char* at, Integer value) {
  for (std::size_t i = sizeof value; i-- > 0;) *at++ = static_cast<char>(value >> (8 * i) & 0xff);
  return at;
}

struct Prefix {
  SegmentId segment;
  std::uint32_t lane;
  std::uint32_t revision;
  std::int64_t retention_ns;
  std::uint64_t frame;
};
static_assert(sizeof(Prefix) == 40);

}  // namespace

EventKeyBytes event_key_bytes(std::int64_t time_ns) {
  EventKeyBytes key{};
  put_big_endian(key.data(), static_cast<std::uint64_t>(time_ns) ^ std::uint64_t{1} << 63);
  return key;
}

EventKeyBytes event_key_bytes(const journal::StoredEvent& e) {
  EventKeyBytes key = event_key_bytes(e.time_ns);
  char* at = key.data() + sizeof e.time_ns;
  std::memcpy(at, e.lane.segment.data(), e.lane.segment.size());
  at = put_big_endian(at + e.lane.segment.size(), e.lane.lane);
  put_big_endian(at, e.values.sequence);
  return key;
}

void append_sortable(std::string& out, std::string_view text) {
  for (const char c : text) {
    out += c;
    if (c == '\0') out += '\xff';
  }
  out.append(2, '\0');
}

void append_event_record(std::string& out, const journal::StoredEvent& e) {
  const Prefix prefix{e.lane.segment, e.lane.lane, e.revision, e.retention_ns, e.frame};
  const std::size_t at = out.size();
  out.resize(at + sizeof prefix + event::encoded_bytes(e.values));
  std::memcpy(out.data() + at, &prefix, sizeof prefix);
  event::encode(e.values, reinterpret_cast<std::byte*>(out.data() + at + sizeof prefix));
}

bool EventRecord::read(std::string_view payload) {
  Prefix prefix;
  if (payload.size() < sizeof prefix) return false;
  std::memcpy(&prefix, payload.data(), sizeof prefix);
  lane_ = {prefix.segment, prefix.lane};
  revision_ = prefix.revision;
  retention_ns_ = prefix.retention_ns;
  frame_ = prefix.frame;
  payload.remove_prefix(sizeof prefix);
  return event::decode(std::as_bytes(std::span(payload)), values_, event::kStoredEventBytesMax) == event::Malformed::none;
}

}  // namespace arbiter::snapshot
