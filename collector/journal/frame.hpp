// Frames: building one, and reading those that were written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/crypt/cipher.hpp"
#include "collector/journal/file.hpp"
#include "collector/journal/format.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::journal {

CursorRecord record_of(const LaneId& lane, const Cursor& cursor);
Cursor cursor_of(const CursorRecord& record);

std::uint64_t checksum_seed(const SegmentKey& key);
std::uint64_t header_checksum(const RawHeader& header);

// Where a frame stands, and what its header says beside its content.
struct FramePlace {
  SegmentKey key;
  std::uint64_t previous = 0;  // checksum of the frame before
  std::uint64_t number = 0;
  std::int64_t written_unix_ns = 0;
  EventKey edge = kBeforeAll;
  std::optional<EventKey> floor;  // begins an era
  bool clears = false;
};

// All but the checksum, which covers what lies behind it.
FrameHeader header_at(const FramePlace& place, FrameType type, std::uint32_t body_bytes, std::uint32_t events);

// A frame that has been checked, and decrypted. `body` points into what it was read from.
struct Frame {
  FrameHeader header;
  std::span<const std::byte> body;
  std::size_t bytes() const { return sizeof header + body.size(); }
};

// The frame being built: entries in the order in which they were added.
class FrameWriter {
 public:
  // For segments encrypted with it; null: for those that are not.
  explicit FrameWriter(std::shared_ptr<const crypt::Cipher> cipher = nullptr) : cipher_(std::move(cipher)) { reset(); }

  void event(const LaneId& lane, const event::Values& stored, std::span<const std::byte> original = {});  // as Journal::append
  void cursor(const LaneId& lane, const Cursor& cursor);
  void close(const LaneId& lane, const Cursor& last, std::uint64_t in_flight);
  void amendment(const EventRef& target, const event::Values& patch);
  void clear(std::uint64_t events, std::int64_t at_unix_ns);
  void anchor(std::uint64_t segment, const Link& link);

  // The bytes to write at this place. May be asked for again, and for another place.
  std::span<const std::byte> finish(const FramePlace& place);
  std::uint64_t checksum() const;  // of what finish() gave last
  Frame frame() const;             // that, as it reads

  std::span<const std::byte> body() const { return {bytes_.get() + sizeof(FrameHeader), size_ - sizeof(FrameHeader)}; }
  bool empty() const { return size_ == sizeof(FrameHeader); }
  std::size_t bytes() const { return size_; }
  void reset();

 private:
  std::byte* room(std::size_t bytes);                                          // behind what is there, for at least so many
  std::byte* entry(EntryType type, std::uint32_t count, std::size_t payload);  // room for it, zeroed
  void open_events(const LaneId& lane);

  std::size_t gap() const { return cipher_ != nullptr ? crypt::kOverhead : 0; }  // in front of each payload

  std::shared_ptr<const crypt::Cipher> cipher_;
  std::vector<std::byte> encrypted_;    // what finish() gave, of an encrypted segment
  std::unique_ptr<std::byte[]> bytes_;  // header first; not set to anything before it is written
  std::size_t size_ = 0, capacity_ = 0;
  std::size_t events_at_ = 0;  // of the entry that events are being added to; 0: none
  LaneId events_lane_;
  std::uint32_t events_ = 0;
};

// The frame at the start of `bytes`, if there is a whole one of this segment; as it lies there, not decrypted. `trusted`: the bytes are
// known to be what was written.
std::optional<Frame> parse_frame(std::span<const std::byte> bytes, const SegmentKey& key, bool trusted = false);
// The body of a table, taken apart. Nothing: its lengths do not add up.
struct TableParts {
  std::span<const std::byte> state, fields;  // as they lie there
  std::span<const std::byte> summed;         // what the frame's checksum covers of the body: all behind the state
  std::uint64_t state_checksum = 0;
};
std::optional<TableParts> table_parts(std::span<const std::byte> body);
std::uint64_t table_checksum(const FrameHeader& header, std::span<const std::byte> summed, const SegmentKey& key);

// Its length by a header that looks right (not checked yet): how much to read. Nothing: no frame of this segment begins here.
std::optional<std::size_t> frame_length(std::span<const std::byte> header, const SegmentKey& key);

// The entries of a body, one after the other.
class EntryReader {
 public:
  explicit EntryReader(std::span<const std::byte> body) : body_(body) {}
  bool next();  // false at the end, or where they no longer add up: then !good()
  bool good() const { return good_; }

  EntryType type() const { return type_of(header_); }
  std::uint32_t count() const { return header_.count; }
  std::span<const std::byte> payload() const { return payload_; }
  std::size_t offset() const { return entry_at_; }                                                    // of the entry, in the body
  std::uint32_t bytes() const { return static_cast<std::uint32_t>(sizeof header_) + header_.bytes; }  // of the entry

 private:
  std::span<const std::byte> body_, payload_;
  std::size_t at_ = 0, entry_at_ = 0;
  EntryHeader header_{};
  bool good_ = true;
};

// The events of an `events` entry.
class EventReader {
 public:
  explicit EventReader(const EntryReader& entry);
  bool next();  // to the first or next event that can be decoded
  const LaneId& lane() const { return lane_; }
  const event::Values& values() const { return values_; }

 private:
  std::span<const std::byte> left_;
  std::uint32_t count_;
  LaneId lane_;
  event::Values values_;
};

// Calls visit(lane, values) for each event of a frame, in order; visit returns false to stop. False: stopped.
template <class Visit>
bool each_event(std::span<const std::byte> body, Visit&& visit) {
  EntryReader entries(body);
  while (entries.next()) {
    if (entries.type() != EntryType::events) continue;
    EventReader events(entries);
    while (events.next())
      if (!visit(events.lane(), events.values())) return false;
  }
  return true;
}

// An amendment as it lies in a frame, or in the chunk of amendments of a sealed segment.
struct AmendmentView {
  AmendmentRecord record;
  std::span<const std::byte> patch;  // an event
  LaneId lane() const { return lane_of(record.lane); }
};
std::optional<AmendmentView> parse_amendment(const EntryReader& entry);

}  // namespace arbiter::journal
