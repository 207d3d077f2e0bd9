// The files of the journal. This header is their specification; all integers are little-endian, everything is aligned to 8 bytes.
//
//   <directory>/
//     <%020d>.journal   raw segment: the newest is being appended to, older ones are full and wait for sealing
//     <%020d>.sealed    the same segment, compressed, with a footer
//     spare-<n>         a raw segment that is no longer needed: it becomes the next one (its blocks are allocated and warm)
//     checkpoint        the state at some frame, so that a start need not replay the frames before it
//     *.tmp             being written; worth nothing after a crash
//     *.damaged         set aside: its beginning cannot be read
//     *.unsynced        set aside: a power cut came before it, and what was before it, had reached the disk (unsynced.hpp)
//
//   raw segment    RawHeader | table frame | frame | frame | ... | what was there before: zeros, or frames of a recycled file
//   frame          FrameHeader | entry | entry | ...
//   entry          EntryHeader | payload
//   table frame    FrameHeader | the participant's state | zeros | fields (table.hpp), padded | TableTrailer; the next begins a page
//
// Invariants:
//   1. A frame is written by one write and is there or not: its checksum covers header and body, seeded with the segment's random id, and
//   the
//      header names the checksum of the frame before. So neither a torn frame, nor one of the file's former life, nor one of a tail that
//      was cut off is ever taken for the next. The journal ends before the first frame that does not check out.
//   2. A raw segment is visible under its name only with its header and its table. The table is the whole state at that moment: cursors of
//   all
//      lanes, closed accounts, lifetime totals, edges, the participant's state; and where the segment before it ends. The newest segment
//      alone is enough to go on. The participant's state is written while the segment before is filled, a slice with each frame, so that
//      nobody waits for megabytes at the end; it comes first in the table as nothing else of it is known before that.
//   3. Frames are numbered from 1, without a gap, over all segments. A table carries the number of the last frame before it.
//   4. Retention never rewrites anything. An event is out when its key (retention time, lane, sequence) is below the edge: the highest of
//   the
//      edge in force (in each frame's header) and the floors of all eras that began after its frame. An era begins when an event arrives
//      that is older than the edge, but that no limit in force puts out (limits were loosened, the clock was set back); `clear` begins one
//      whose floor is above everything.
//   5. Events that are below the edge when they arrive are stored (the participant replays them), and are in no block's sums.
//   6. Sums in footers are those of the events as appended. Amendments are added to them by whoever has both, so that it does not matter
//      which is retained longer.
//
// Blocks. Successive frames of a segment make a block: as many as fit in kBlockBytes, at least one; a frame that begins an era begins a
// block. The rule depends on the frames alone, so that the writer, the sealer and recovery agree.
//
//   sealed segment   SealedHeader | chunk (table) | chunk (block 0) | chunk (block 1) | ... | chunk (amendments) | footer | SealedTrailer
//   chunk            ChunkHeader | stored bytes, zstd of the raw bytes (amendments: as they are) | zeros to a multiple of 8
//   footer           sealed_file.hpp; keyed BLAKE2b-256 of it is the segment's link, and the link of the segment before is in it
//
// A segment whose header names an encryption key is encrypted (encryption.hpp): the entries of its frames; the body of its table, as a
// stream (crypt/stream.hpp); sealed, its blocks, filters and footer. Frames' headers, and what follows from sizes, can be read without the
// key. Checksums and links are those of the bytes in the file; but in a sealed block, frames have the checksums that they had before.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "collector/event_key.hpp"

namespace arbiter::journal {

static_assert(std::endian::native == std::endian::little, "files are read and written as they are in memory");

inline constexpr std::uint32_t kVersion = 2;
inline constexpr std::size_t kBlockBytes = 1 << 20;
inline constexpr std::uint32_t kFrameBodyMax = 1u << 30;

using Fingerprint = std::array<std::uint8_t, 16>;
using SegmentKey = std::array<std::uint8_t, 16>;  // random id of a journal segment; not the id of a lanes segment

// As it reads in a hex dump.
consteval std::uint64_t magic_of(const char (&text)[9]) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(text[i]);
  return value;
}
inline constexpr std::uint64_t kRawMagic = magic_of("ARBJRAW1");
inline constexpr std::uint64_t kSealedMagic = magic_of("ARBJSEA1");
inline constexpr std::uint64_t kTrailerMagic = magic_of("ARBJTRL1");
inline constexpr std::uint64_t kCheckpointMagic = magic_of("ARBJCHK1");
inline constexpr std::uint32_t kFrameMagic = 0x4d524641;  // "AFRM"
inline constexpr std::uint32_t kChunkMagic = 0x4b4e4341;  // "ACNK"

struct RawHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  SegmentKey key;
  std::uint64_t index;
  std::int64_t created_unix_ns;
  Fingerprint fingerprint;
  // Written once all segments before this one are on stable storage, and synced with the first frames of this one: settled_word(). 0 until
  // then. So what is said to be durable of a segment without it, or of one before it, is nothing.
  std::uint64_t settled;
  std::array<std::uint8_t, 16> encryption_key;  // which one (crypt::KeyId); zero: not encrypted
  std::array<std::uint8_t, 32> reserved;
  std::uint64_t checksum;  // XXH3-64 of everything before it, with 0 for `settled`
};
static_assert(offsetof(RawHeader, settled) == 64 && offsetof(RawHeader, encryption_key) == 72);
static_assert(sizeof(RawHeader) == 128 && offsetof(RawHeader, key) == 16 && offsetof(RawHeader, index) == 32);
static_assert(offsetof(RawHeader, created_unix_ns) == 40 && offsetof(RawHeader, fingerprint) == 48 && offsetof(RawHeader, checksum) == 120);

// An EventKey whose time is the retention time; also an edge: what is below it is out.
struct KeyRecord {
  std::int64_t time_ns;
  SegmentId segment;
  std::uint32_t lane;
  std::uint32_t zero;
  std::uint64_t sequence;
};
static_assert(sizeof(KeyRecord) == 40 && offsetof(KeyRecord, lane) == 24 && offsetof(KeyRecord, sequence) == 32);

inline constexpr EventKey kBeforeAll{std::numeric_limits<std::int64_t>::min(), {}, 0};
inline constexpr EventKey kAfterAll{
    std::numeric_limits<std::int64_t>::max(),
    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0xffffffff},
    std::numeric_limits<std::uint64_t>::max()};

constexpr KeyRecord record_of(const EventKey& k) { return {k.time_ns, k.lane.segment, k.lane.lane, 0, k.sequence}; }
constexpr EventKey key_of(const KeyRecord& r) { return {r.time_ns, {r.segment, r.lane}, r.sequence}; }

enum class FrameType : std::uint16_t { events = 1, table = 2 };
inline constexpr std::uint16_t kBeginsEra = 1;  // FrameHeader::flags: `floor` holds for everything before this frame
inline constexpr std::uint16_t kClears = 2;     // with kBeginsEra: the frame of a `clear`

struct FrameHeader {
  std::uint64_t checksum;  // XXH3-64, seeded with the segment's key, of all that follows, body included; but for the state in a table
  std::uint32_t magic;
  FrameType type;
  std::uint16_t flags;
  std::uint64_t number;
  std::uint32_t body_bytes;  // a multiple of 8
  std::uint32_t events;      // in the body
  std::uint64_t segment;     // first half of the segment's key: a cheap no to frames of the file's former life
  std::uint64_t previous;    // checksum of the frame before; of the RawHeader in the first
  std::int64_t written_unix_ns;
  KeyRecord edge;   // in force when the frame was written
  KeyRecord floor;  // of all frames before this one; only with kBeginsEra
};
static_assert(sizeof(FrameHeader) == 136 && offsetof(FrameHeader, magic) == 8 && offsetof(FrameHeader, number) == 16);
static_assert(offsetof(FrameHeader, body_bytes) == 24 && offsetof(FrameHeader, segment) == 32 && offsetof(FrameHeader, previous) == 40);
static_assert(offsetof(FrameHeader, written_unix_ns) == 48 && offsetof(FrameHeader, edge) == 56 && offsetof(FrameHeader, floor) == 96);

struct TableTrailer {
  std::uint64_t state_bytes;     // of the participant's state, as it lies there
  std::uint64_t state_checksum;  // XXH3-64, seeded with the segment's key, of those
  std::uint64_t fields_bytes;
};
static_assert(sizeof(TableTrailer) == 24);

enum class EntryType : std::uint32_t {
  events = 1,     // LaneRecord, then `count` events (shm/event.hpp), each padded with zeros to 8 bytes
  cursors = 2,    // `count` CursorRecords: lanes as they stand after this frame
  closes = 3,     // `count` CloseRecords
  amendment = 4,  // AmendmentRecord, then the patch: an event whose present fields replace the target's
  clear = 5,      // ClearRecord
  anchor = 6,     // AnchorRecord: a sealed segment is about to go
};
struct EntryHeader {
  EntryType type;
  std::uint32_t count;
  std::uint32_t bytes;  // of the payload; a multiple of 8
  std::uint32_t check;  // amendment: low half of XXH3-64 of the payload, for who reads it without its frame; else, and encrypted, 0
};
static_assert(sizeof(EntryHeader) == 16 && offsetof(EntryHeader, bytes) == 8);
inline constexpr std::uint32_t kEncryptedEntry = 1u << 31;  // beside the type: the payload begins behind nonce and tag (encryption.hpp)
constexpr EntryType type_of(const EntryHeader& h) { return static_cast<EntryType>(static_cast<std::uint32_t>(h.type) & ~kEncryptedEntry); }
constexpr bool is_encrypted(const EntryHeader& h) { return (static_cast<std::uint32_t>(h.type) & kEncryptedEntry) != 0; }

struct LaneRecord {
  SegmentId segment;
  std::uint32_t lane;
  std::uint32_t zero;
};
static_assert(sizeof(LaneRecord) == 24 && offsetof(LaneRecord, lane) == 16);
constexpr LaneRecord record_of(const LaneId& id) { return {id.segment, id.lane, 0}; }
constexpr LaneId lane_of(const LaneRecord& r) { return {r.segment, r.lane}; }

struct CursorRecord {
  LaneRecord lane;
  std::uint64_t position, sequence, delivered, quarantined, rewound, attempted, dropped, refused;
  std::array<std::uint64_t, 4> dropped_by;
  std::array<std::uint64_t, 12> refused_by;
  std::int64_t stamp_ns;
};
static_assert(sizeof(CursorRecord) == 224 && offsetof(CursorRecord, position) == 24 && offsetof(CursorRecord, dropped_by) == 88);
static_assert(offsetof(CursorRecord, refused_by) == 120 && offsetof(CursorRecord, stamp_ns) == 216);

struct CloseRecord {
  CursorRecord last;
  std::uint64_t in_flight;
};
static_assert(sizeof(CloseRecord) == 232);

struct AmendmentRecord {
  LaneRecord lane;
  std::uint64_t sequence;
  std::uint64_t frame;  // of the target
  std::int64_t time_ns;
  std::int64_t retention_ns;
  std::uint32_t patch_bytes;
  std::uint32_t zero;
};
static_assert(sizeof(AmendmentRecord) == 64 && offsetof(AmendmentRecord, sequence) == 24 && offsetof(AmendmentRecord, patch_bytes) == 56);

struct ClearRecord {
  std::uint64_t events;  // retained until then
  std::int64_t at_unix_ns;
};
static_assert(sizeof(ClearRecord) == 16);

struct AnchorRecord {
  std::uint64_t segment;
  std::array<std::uint8_t, 32> link;
};
static_assert(sizeof(AnchorRecord) == 40);

struct SealedHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t header_bytes;
  SegmentKey key;  // of the raw segment: the frames in the blocks are its frames
  std::uint64_t index;
  std::int64_t created_unix_ns;
  Fingerprint fingerprint;
  std::array<std::uint8_t, 16> encryption_key;  // as in the raw segment
  std::array<std::uint8_t, 40> reserved;
  std::uint64_t checksum;  // XXH3-64 of everything before it
};
static_assert(sizeof(SealedHeader) == 128 && offsetof(SealedHeader, encryption_key) == 64 && offsetof(SealedHeader, checksum) == 120);

inline constexpr std::uint32_t kTableChunk = 0xffffffff;
inline constexpr std::uint32_t kAmendmentsChunk = 0xfffffffe;
struct ChunkHeader {
  std::uint32_t magic;
  std::uint32_t number;  // of the block, or one of the two above
  std::uint32_t raw_bytes;
  std::uint32_t stored_bytes;
  std::uint64_t checksum;  // XXH3-64, seeded with the segment's key, of this header with 0 here, and of the stored bytes
};
static_assert(sizeof(ChunkHeader) == 24 && offsetof(ChunkHeader, checksum) == 16);

using Link = std::array<std::uint8_t, 32>;
struct SealedTrailer {
  std::uint64_t footer_offset;
  std::uint64_t footer_bytes;
  std::uint64_t footer_checksum;  // XXH3-64
  Link link;
  std::uint32_t version;
  std::uint32_t zero;
  std::uint64_t magic;  // the last bytes of the file
};
static_assert(sizeof(SealedTrailer) == 72 && offsetof(SealedTrailer, link) == 24 && offsetof(SealedTrailer, magic) == 64);

constexpr std::uint64_t settled_word(const SegmentKey& key) {  // never that of a former life of the file
  std::uint64_t word = 1;
  for (const std::uint8_t byte : key) word = (word ^ byte) * 0x100000001b3;
  return word | 1;
}

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 7) & ~std::size_t{7}; }

}  // namespace arbiter::journal
