// Sealed segments: making one of a raw segment, and opening one.
//
// footer:
//   SegmentKey, u64 index, i64 created, Fingerprint
//   u64 first frame, u64 last frame
//   u64 index of the segment sealed before (0: none), its Link
//   ChunkPlace of the table, ChunkPlace of the amendments
//   u64 n, n times ChunkPlace, u64 first and last frame, u64 first word and words of its filter (task_filter.hpp), Summary
//   u64 n, n times u64 offset and u64 bytes of an amendment's entry in the file
//   u64 words, the filters: 64-bit words
//   ChunkPlace: u64 offset, u64 stored bytes (header included), u64 raw bytes, BLAKE2b-256 of the stored bytes (header included)
//
// Of an encrypted segment: u64 n, a record of n bytes (encryption.hpp) that is all of that before the filters; then the filters, of which
// each is a record. Five words of each are nonce and tag: first word and words of a filter count them.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/scan.hpp"

namespace arbiter::journal {

using LinkKey = std::array<std::uint8_t, 32>;

struct SealJob {
  std::string directory;
  RawSegment raw;                // `end` is that of the table
  std::uint64_t frames_end = 0;  // of the last frame
  std::uint64_t last_frame_before = 0;
  GenericNames names;
};

struct Sealed {
  std::shared_ptr<const SegmentFile> file;
  std::string path;
  std::uint64_t bytes = 0;
  std::int64_t created_unix_ns = 0;
  Fingerprint fingerprint{};
  ScannedSegment scanned;  // places are those in the sealed file
  BlockPlace table;
  Link link{}, previous_link{};
  std::uint64_t previous_index = 0;
  bool link_checks = true;  // opened: the link is that of the footer, under this key
  bool footer_lost = false;
};

Link link_of(std::string_view footer, const LinkKey& key);

// Writes <index>.sealed, and it is on stable storage. Error code 0: frames are damaged, or `abort` was set.
Result<Sealed> seal_segment(const SealJob& job, const Anchor& previous, const LinkKey& key, const std::atomic<bool>& abort);

// Reads the footer. Where that is damaged, `footer_lost`: rescan() then finds what the blocks say. Error of code 0: it is not a sealed
// segment; ENOKEY: its key is not among these.
Result<Sealed> open_sealed(const std::string& path, const LinkKey& key, const crypt::Keyring& keys = {});
void rescan(Sealed& sealed, GenericNames& names);
Result<Table> read_sealed_table(const Sealed& sealed);

}  // namespace arbiter::journal
