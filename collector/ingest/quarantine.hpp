// What the collector sets aside: one JSON line for each event or lane that it could not believe, with the reason and where it lay. The
// bytes themselves (hex, the first 256) are there only when nothing is anonymised.
//
// Bounded, whatever producers do. In size: a file over kBytesMax is renamed to `.1`, the one before goes. In rate: a segment gets kBurst
// lines, then one in kLineEvery, and kLinesMax in its life; all segments together kBurstOfAll, then one in kLineOfAllEvery. What gets no
// line is counted, and how many there were is the segment's last line. Lines are kept back until flush(): one write(2) for a batch.
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "collector/event_key.hpp"
#include "shm/abi.hpp"

namespace arbiter::ingest {

// So many at once, then one in each interval.
class LineBudget {
 public:
  LineBudget(std::uint32_t burst, std::uint64_t every_ns) : burst_(burst), every_ns_(every_ns), left_(burst) {}
  bool take(std::int64_t now_ns);

 private:
  std::uint32_t burst_;
  std::uint64_t every_ns_;
  std::uint32_t left_;
  std::int64_t filled_ns_ = INT64_MIN;
};

class Quarantine {
 public:
  Quarantine(std::string path, bool with_bytes) : path_(std::move(path)), with_bytes_(with_bytes) {}
  ~Quarantine();  // flushes
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;

  struct Entry {
    LaneId lane;
    std::uint64_t sequence = 0;
    std::string_view kind;   // type word, or empty when unknown
    std::string_view field;  // or empty
    std::string_view reason;
    std::span<const std::byte> bytes;
    std::int64_t at_ns = 0;
  };
  // Never fails: what gets no line is counted all the same, by the caller and in lines_left_out().
  void put(const Entry& entry);
  void flush();                                                // writes what put() kept back
  void forget(const SegmentId& segment, std::int64_t now_ns);  // it is gone: its last line, and its budget
  std::uint64_t lines_left_out() const { return left_out_; }

  static constexpr std::size_t kBytesMax = 16 << 20;
  static constexpr std::size_t kShownMax = 256;
  static constexpr std::uint32_t kBurst = 32, kLinesMax = 1000, kBurstOfAll = 1024;
  static constexpr std::uint64_t kLineEvery = 1'000'000'000, kLineOfAllEvery = 10'000'000;  // ns

 private:
  struct Segment {
    LineBudget budget{kBurst, kLineEvery};
    std::uint32_t lines = 0;
    std::uint64_t left_out = 0;
  };
  bool open_file();
  void close_file();

  std::string path_;
  bool with_bytes_;
  int fd_ = -1;
  std::size_t file_bytes_ = 0;
  std::string kept_back_;
  std::map<SegmentId, Segment> segments_;
  LineBudget all_{kBurstOfAll, kLineOfAllEvery};
  std::uint64_t left_out_ = 0;
};

}  // namespace arbiter::ingest
