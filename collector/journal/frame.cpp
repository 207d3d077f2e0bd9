#include "collector/journal/frame.hpp"

#include <algorithm>
#include <cstring>

#include "collector/journal/encryption.hpp"
#include "collector/journal/wire.hpp"
#include "collector/journal/xxh3.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store(std::byte* at, const T& value) {
  std::memcpy(at, &value, sizeof value);
}

std::uint64_t first_half(const SegmentKey& key) { return load<std::uint64_t>(reinterpret_cast<const std::byte*>(key.data())); }

std::uint64_t frame_checksum(std::span<const std::byte> frame, const SegmentKey& key) {
  return XXH3_64bits_withSeed(frame.data() + sizeof(std::uint64_t), frame.size() - sizeof(std::uint64_t), checksum_seed(key));
}

// Whether it is what was written.
bool checks_out(std::span<const std::byte> frame, const FrameHeader& header, const SegmentKey& key) {
  if (header.type != FrameType::table) return header.checksum == frame_checksum(frame, key);
  const auto parts = table_parts(frame.subspan(sizeof header));
  return parts && header.checksum == table_checksum(header, parts->summed, key) &&
         parts->state_checksum == XXH3_64bits_withSeed(parts->state.data(), parts->state.size(), checksum_seed(key));
}

std::uint32_t payload_check(std::span<const std::byte> payload) {
  return static_cast<std::uint32_t>(XXH3_64bits(payload.data(), payload.size()));
}

}  // namespace

CursorRecord record_of(const LaneId& lane, const Cursor& c) {
  return {record_of(lane), c.position.value, c.sequence, c.delivered,  c.quarantined, c.rewound,
          c.attempted,     c.dropped,        c.refused,  c.dropped_by, c.refused_by,  c.stamp_ns};
}

Cursor cursor_of(const CursorRecord& r) {
  Cursor c;
  c.position = {r.position};
  c.sequence = r.sequence;
  c.delivered = r.delivered;
  c.quarantined = r.quarantined;
  c.rewound = r.rewound;
  c.attempted = r.attempted;
  c.dropped = r.dropped;
  c.refused = r.refused;
  c.dropped_by = r.dropped_by;
  c.refused_by = r.refused_by;
  c.stamp_ns = r.stamp_ns;
  return c;
}

std::uint64_t checksum_seed(const SegmentKey& key) {
  if (ARBITER_WRONG("recycled_without_id")) return 0;
  return first_half(key) ^ load<std::uint64_t>(reinterpret_cast<const std::byte*>(key.data()) + 8) * 0x9e3779b97f4a7c15ULL;
}

std::uint64_t header_checksum(const RawHeader& header) {
  RawHeader covered = header;
  covered.settled = 0;
  return XXH3_64bits(&covered, offsetof(RawHeader, checksum));
}

// --- writing

void FrameWriter::reset() {
  size_ = 0;
  std::memset(room(sizeof(FrameHeader)), 0, sizeof(FrameHeader));
  size_ = sizeof(FrameHeader);
  events_at_ = 0;
  events_ = 0;
}

std::byte* FrameWriter::room(std::size_t bytes) {
  if (capacity_ - size_ < bytes) [[unlikely]] {
    const std::size_t capacity = std::max(2 * capacity_, size_ + bytes);
    auto more = std::make_unique_for_overwrite<std::byte[]>(capacity);
    if (size_ != 0) std::memcpy(more.get(), bytes_.get(), size_);
    bytes_ = std::move(more);
    capacity_ = capacity;
  }
  return bytes_.get() + size_;
}

std::byte* FrameWriter::entry(EntryType type, std::uint32_t count, std::size_t payload) {
  events_at_ = 0;
  const std::size_t bytes = sizeof(EntryHeader) + gap() + payload;
  std::byte* const at = room(bytes);
  std::memset(at, 0, bytes);
  const auto type_word = static_cast<std::uint32_t>(type) | (cipher_ != nullptr ? kEncryptedEntry : 0);
  store(at, EntryHeader{static_cast<EntryType>(type_word), count, static_cast<std::uint32_t>(gap() + payload), 0});
  size_ += bytes;
  return at + sizeof(EntryHeader) + gap();
}

void FrameWriter::open_events(const LaneId& lane) {
  const std::size_t at = size_;
  store(entry(EntryType::events, 0, sizeof(LaneRecord)), record_of(lane));
  events_at_ = at;
  events_lane_ = lane;
}

void FrameWriter::event(const LaneId& lane, const event::Values& stored, std::span<const std::byte> original) {
  if (events_at_ == 0 || events_lane_ != lane) open_events(lane);
  constexpr std::size_t padding = sizeof(std::uint64_t);
  std::byte* const at = room(event::kEncodedBytesMax + padding);
  const std::size_t length = original.empty() ? event::encode(stored, at) : event::encode_unchanged(stored, original, at);
  store(at + length, std::uint64_t{0});
  size_ += padded(length);
  auto header = load<EntryHeader>(bytes_.get() + events_at_);
  ++header.count;
  header.bytes += static_cast<std::uint32_t>(padded(length));
  store(bytes_.get() + events_at_, header);
  ++events_;
}

void FrameWriter::cursor(const LaneId& lane, const Cursor& cursor) {
  store(entry(EntryType::cursors, 1, sizeof(CursorRecord)), record_of(lane, cursor));
}

void FrameWriter::close(const LaneId& lane, const Cursor& last, std::uint64_t in_flight) {
  store(entry(EntryType::closes, 1, sizeof(CloseRecord)), CloseRecord{record_of(lane, last), in_flight});
}

void FrameWriter::amendment(const EventRef& target, const event::Values& patch) {
  const std::size_t patch_bytes = event::encoded_bytes(patch), at = size_;
  std::byte* const payload = entry(EntryType::amendment, 1, sizeof(AmendmentRecord) + padded(patch_bytes));
  store(payload, AmendmentRecord{record_of(target.lane), target.sequence, target.location.frame, target.time_ns, target.retention_ns,
                                 static_cast<std::uint32_t>(patch_bytes), 0});
  event::encode(patch, payload + sizeof(AmendmentRecord));
  if (cipher_ != nullptr) return;
  auto header = load<EntryHeader>(bytes_.get() + at);
  header.check = payload_check({payload, header.bytes});
  store(bytes_.get() + at, header);
}

void FrameWriter::clear(std::uint64_t events, std::int64_t at_unix_ns) {
  store(entry(EntryType::clear, 1, sizeof(ClearRecord)), ClearRecord{events, at_unix_ns});
}

void FrameWriter::anchor(std::uint64_t segment, const Link& link) {
  store(entry(EntryType::anchor, 1, sizeof(AnchorRecord)), AnchorRecord{segment, link});
}

FrameHeader header_at(const FramePlace& place, FrameType type, std::uint32_t body_bytes, std::uint32_t events) {
  FrameHeader header{};
  header.magic = kFrameMagic;
  header.type = type;
  header.flags = static_cast<std::uint16_t>((place.floor ? kBeginsEra : 0) | (place.clears ? kClears : 0));
  header.number = place.number;
  header.body_bytes = body_bytes;
  header.events = events;
  header.segment = first_half(place.key);
  header.previous = place.previous;
  header.written_unix_ns = place.written_unix_ns;
  header.edge = record_of(place.edge);
  header.floor = record_of(place.floor.value_or(kBeforeAll));
  return header;
}

std::span<const std::byte> FrameWriter::finish(const FramePlace& place) {
  FrameHeader header = header_at(place, FrameType::events, static_cast<std::uint32_t>(size_ - sizeof header), events_);
  std::span<std::byte> frame(bytes_.get(), size_);
  if (cipher_ != nullptr) {
    encrypted_.resize(size_);
    frame = encrypted_;
    encrypt_body(body(), place.key, place.number, *cipher_, frame.subspan(sizeof header));
  }
  store(frame.data(), header);
  header.checksum = frame_checksum(frame, place.key);
  store(frame.data(), header);
  store(bytes_.get(), header);
  return frame;
}

Frame FrameWriter::frame() const { return {load<FrameHeader>(bytes_.get()), body()}; }

std::uint64_t FrameWriter::checksum() const { return load<FrameHeader>(bytes_.get()).checksum; }

// --- reading

std::optional<std::size_t> frame_length(std::span<const std::byte> bytes, const SegmentKey& key) {
  if (bytes.size() < sizeof(FrameHeader)) return std::nullopt;
  const auto header = load<FrameHeader>(bytes.data());
  if (header.magic != kFrameMagic) return std::nullopt;
  if (header.segment != first_half(key) && !ARBITER_WRONG("recycled_without_id")) return std::nullopt;
  if (header.body_bytes > kFrameBodyMax || header.body_bytes % 8 != 0) return std::nullopt;
  return sizeof header + header.body_bytes;
}

std::optional<TableParts> table_parts(std::span<const std::byte> body) {
  if (body.size() < sizeof(TableTrailer)) return std::nullopt;
  const auto trailer = load<TableTrailer>(body.data() + body.size() - sizeof(TableTrailer));
  const std::size_t room = body.size() - sizeof trailer;
  if (trailer.fields_bytes > room || padded(trailer.fields_bytes) > room) return std::nullopt;
  const std::size_t fields_at = room - padded(trailer.fields_bytes);
  if (trailer.state_bytes > fields_at) return std::nullopt;
  return TableParts{body.first(trailer.state_bytes), body.subspan(fields_at, trailer.fields_bytes), body.subspan(fields_at),
                    trailer.state_checksum};
}

std::uint64_t table_checksum(const FrameHeader& header, std::span<const std::byte> summed, const SegmentKey& key) {
  constexpr std::size_t kCovered = sizeof header - sizeof header.checksum;
  static_assert(offsetof(FrameHeader, checksum) == 0);
  std::vector<std::byte> bytes(kCovered + summed.size());
  std::memcpy(bytes.data(), reinterpret_cast<const std::byte*>(&header) + sizeof header.checksum, kCovered);
  std::copy(summed.begin(), summed.end(), bytes.begin() + kCovered);
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), checksum_seed(key));
}

std::optional<Frame> parse_frame(std::span<const std::byte> bytes, const SegmentKey& key, bool trusted) {
  const auto length = frame_length(bytes, key);
  if (!length || *length > bytes.size()) return std::nullopt;
  bytes = bytes.first(*length);
  const auto header = load<FrameHeader>(bytes.data());
  if (ARBITER_WRONG("frames_without_checksum")) trusted = true;
  if (!trusted && !checks_out(bytes, header, key)) return std::nullopt;
  return Frame{header, bytes.subspan(sizeof header)};
}

bool EntryReader::next() {
  if (at_ == body_.size()) return false;
  good_ = false;
  if (body_.size() - at_ < sizeof(EntryHeader)) return false;
  header_ = load<EntryHeader>(body_.data() + at_);
  if (header_.bytes % 8 != 0 || header_.bytes > body_.size() - at_ - sizeof(EntryHeader)) return false;
  const std::size_t gap = is_encrypted(header_) ? crypt::kOverhead : 0;
  if (header_.bytes < gap) return false;
  payload_ = body_.subspan(at_ + sizeof(EntryHeader) + gap, header_.bytes - gap);
  entry_at_ = at_;
  at_ += sizeof(EntryHeader) + header_.bytes;
  good_ = true;
  return true;
}

EventReader::EventReader(const EntryReader& entry) : left_(entry.payload()), count_(entry.count()) {
  if (left_.size() < sizeof(LaneRecord)) {
    count_ = 0;
    return;
  }
  lane_ = lane_of(load<LaneRecord>(left_.data()));
  left_ = left_.subspan(sizeof(LaneRecord));
}

bool EventReader::next() {
  while (count_ > 0 && left_.size() >= sizeof(abi::EventHead)) {
    --count_;
    const auto head = load<abi::EventHead>(left_.data());
    const bool whole = event::decode_but_lists(left_, values_, event::kStoredEventBytesMax) == event::Malformed::none;
    left_ = left_.subspan(std::min(padded(std::max<std::size_t>(head.length, sizeof head)), left_.size()));
    if (whole) return true;
  }
  return false;
}

std::optional<AmendmentView> parse_amendment(const EntryReader& entry) {
  const auto payload = entry.payload();
  if (entry.type() != EntryType::amendment || payload.size() < sizeof(AmendmentRecord)) return std::nullopt;
  const auto record = load<AmendmentRecord>(payload.data());
  if (record.patch_bytes > payload.size() - sizeof record) return std::nullopt;
  return AmendmentView{record, payload.subspan(sizeof record, record.patch_bytes)};
}

}  // namespace arbiter::journal
