// What the collector sets aside: one JSON line for each event or lane that it could not believe, with the reason and where it lay. The
// bytes themselves (hex, the first 256) are there only when nothing is anonymised. Bounded: a file over its size is renamed to `.1`, the
// one before goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "collector/event_key.hpp"
#include "shm/abi.hpp"

namespace arbiter::ingest {

class Quarantine {
 public:
  Quarantine(std::string path, bool with_bytes) : path_(std::move(path)), with_bytes_(with_bytes) {}

  struct Entry {
    LaneId lane;
    std::uint64_t sequence = 0;
    std::string_view kind;   // type word, or empty when unknown
    std::string_view field;  // or empty
    std::string_view reason;
    std::span<const std::byte> bytes;
    std::int64_t at_ns = 0;
  };
  // Never fails: what cannot be written is counted all the same, by the caller.
  void put(const Entry& entry);

  static constexpr std::size_t kBytesMax = 16 << 20;
  static constexpr std::size_t kShownMax = 256;

 private:
  std::string path_;
  bool with_bytes_;
};

}  // namespace arbiter::ingest
