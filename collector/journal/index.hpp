// What is kept in memory of the segments on disk: about half a kilobyte for each block, so a few MiB for ten million events.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collector/crypt/cipher.hpp"
#include "collector/journal/file.hpp"
#include "collector/journal/format.hpp"
#include "collector/journal/summary.hpp"

namespace arbiter::journal {

// Grows at the end only, and never moves what is there under a reader: a copy sees the elements there were when it was taken, on any
// thread, while the owner goes on adding.
template <class T>
class GrowArray {
 public:
  void push(const T& value) {
    if (size_ == capacity_) {
      const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
      std::shared_ptr<T[]> bigger(new T[capacity]);
      std::copy(begin(), end(), bigger.get());
      data_ = std::move(bigger);
      capacity_ = capacity;
    }
    data_.get()[size_++] = value;
  }
  const T* begin() const { return data_.get(); }
  const T* end() const { return data_.get() + size_; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { *this = GrowArray(); }

 private:
  std::shared_ptr<T[]> data_;
  std::uint32_t size_ = 0, capacity_ = 0;
};

// One amendment of an event of the block that it is kept with.
struct AmendmentRef {
  LaneId lane;
  std::uint32_t ordinal;     // among the amendments that lie in `holder`
  std::uint64_t sequence;    // of the target
  std::uint64_t holder;      // index of the segment in which the amendment lies
  std::int64_t duration_ns;  // that it gives to an execution; -1: none
};

// Where the entry of an amendment lies in its segment's file.
struct AmendmentPlace {
  std::uint64_t offset;
  std::uint32_t bytes;  // header and payload
};

// A file in which blocks lie, as it is from now on. Views hold it.
struct SegmentFile {
  std::shared_ptr<File> file;
  SegmentKey key{};
  std::uint64_t index = 0;
  bool sealed = false;
  std::shared_ptr<const crypt::Cipher> cipher = nullptr;  // null: it is not encrypted
};

struct BlockPlace {
  std::uint64_t offset = 0;        // of the first frame; of the chunk, when sealed
  std::uint32_t stored_bytes = 0;  // chunk header included
  std::uint32_t raw_bytes = 0;     // of the frames
  std::uint32_t filter_words = 0;  // sealed: 64-bit words of its task filter; 0: none
  std::uint64_t filter_offset = 0;
};

struct Segment;
struct Window;

struct Block {
  Block(Segment* of, std::uint32_t n);
  ~Block();

  Segment* segment;
  std::uint32_t number;
  BlockPlace place;
  std::uint64_t first_frame = 0, last_frame = 0;
  // Of the events as appended (those out on arrival left out):
  std::uint64_t events = 0;
  std::uint32_t kinds = 0;
  EventKey min_key = kAfterAll, max_key = kBeforeAll;
  std::int64_t min_time_ns = INT64_MAX, max_time_ns = INT64_MIN;
  // Of those retained:
  std::uint64_t live_events = 0;
  EventKey next = kAfterAll;       // the oldest one: what is below it is out
  Totals live;                     // amendments included
  std::unique_ptr<Window> window;  // there while the edge is within the block
  GrowArray<AmendmentRef> amendments;
};

enum class SegmentState : std::uint8_t { active, full, sealed };

struct Segment {
  std::uint64_t index = 0;
  SegmentState state = SegmentState::active;
  std::shared_ptr<const SegmentFile> file;
  std::string path;
  std::int64_t created_unix_ns = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t table_end = 0, table_checksum = 0, table_frame = 0;  // raw: where the frames begin, and behind which frame
  std::uint64_t end = 0, previous = 0, last_offset = 0;  // raw: where they end, the checksum of the last, and where it begins (0: none)
  std::uint64_t first_frame = 1, last_frame = 0;         // first > last: none
  std::deque<Block> blocks;
  std::uint64_t live_events = 0;
  GrowArray<AmendmentPlace> amendments;  // that lie here
  std::uint64_t amendments_held = 0;     // of those: with a target that is retained
  Link link{}, previous_link{};          // sealed
  std::uint64_t previous_index = 0;      // whose link previous_link is; 0: none
  bool sealing = false;                  // the background has it: its file stays
  std::uint64_t anchor_frame = 0;        // the frame that says its link, once it is to go; 0: none yet
  bool disposable() const { return live_events == 0 && amendments_held == 0; }
};

using Segments = std::map<std::uint64_t, Segment>;

// The block with this frame; null if it is not there any more.
Block* find_block(Segments& segments, std::uint64_t frame);

// Whether a frame of these bytes goes into a block that holds `raw_bytes` already, or begins the next.
inline bool fits_block(std::size_t raw_bytes, std::size_t frame_bytes, std::uint16_t frame_flags) {
  return (frame_flags & kBeginsEra) == 0 && raw_bytes + frame_bytes <= kBlockBytes;
}

// Blocks that could not be read, by whoever met them first. Thread-safe.
class Damage {
 public:
  static constexpr std::uint32_t kFrames = 0xffffffff;  // for the block: frames of a raw segment

  void note(std::uint64_t segment, std::uint32_t block) {
    const std::lock_guard lock(mutex_);
    blocks_.emplace(segment, block);
  }
  std::uint64_t blocks() const {
    const std::lock_guard lock(mutex_);
    return blocks_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> blocks_;
};

}  // namespace arbiter::journal
