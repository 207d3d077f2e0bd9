// Sorts more than memory holds: records of a key and a payload, by the bytes of the key, equal keys in the order in which they were added.
//
// Records that come nearly in order pass through memory (settle). Else they gather there; when they fill it they are sorted and written, as
// a run, into a temporary file that has no name (nothing is left of it, however the process ends). At the end the runs are merged. Memory:
// what was given, and while merging a buffer a run (16 KiB at least).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/crypt/scratch.hpp"
#include "collector/journal/file.hpp"
#include "collector/snapshot/place.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

class Sorter {
 public:
  static constexpr std::size_t kMemoryBytes = 32 << 20;

  // `place`: where the temporary file goes, if it comes to one; encrypted, it is hidden under a key of its own.
  explicit Sorter(Place place, std::size_t memory_bytes = kMemoryBytes);
  ~Sorter();
  Sorter(const Sorter&) = delete;
  Sorter& operator=(const Sorter&) = delete;

  Result<void> add(std::string_view key, std::string_view payload);

  // Nothing below `bound` (by its first eight bytes) will be added any more: gives `take` what there is below it, in order, and forgets it.
  // It may keep it all the same, for next(): always once a run has been written.
  using Take = std::function<Result<void>(std::string_view key, std::string_view payload)>;
  Result<void> settle(std::string_view bound, const Take& take);

  // After the last add: the records, in order. False when there are no more. The views stay until the next call.
  Result<bool> next(std::string_view& key, std::string_view& payload);

  std::size_t runs_spilled() const { return runs_.size(); }

 private:
  struct Entry {
    std::uint64_t prefix;  // first eight bytes of the key, so that most comparisons look no further
    std::size_t at;        // of the record in memory_
  };
  struct Run {
    std::uint64_t begin, end;  // in the file
  };
  class RunReader;

  std::string_view key_at(std::size_t at) const;
  void sort_memory();
  void forget(std::size_t entries);
  Result<void> spill();
  Result<void> begin_reading();
  Result<bool> next_in_memory(std::string_view& key, std::string_view& payload);
  Result<bool> next_merged(std::string_view& key, std::string_view& payload);
  bool comes_later(std::size_t a, std::size_t b) const;

  std::string directory_;
  std::size_t memory_bytes_;
  std::string memory_;  // records: 4 bytes length of key, 4 of payload, both
  std::vector<Entry> entries_;
  std::string kept_;            // room for what stays in memory_
  std::size_t bytes_left_ = 0;  // in memory_, when it was settled last
  std::uint64_t settled_ = 0;   // prefix of the bound
  std::shared_ptr<journal::File> file_;
  std::shared_ptr<const crypt::Scratch> scratch_;  // null: the file is as it is
  std::uint64_t file_end_ = 0;
  std::vector<Run> runs_;

  bool reading_ = false;
  std::size_t read_ = 0;  // entries handed out
  std::vector<std::unique_ptr<RunReader>> readers_;
  std::vector<std::size_t> heap_;  // of readers, the one with the smallest key in front
  bool advance_front_ = false;
};

}  // namespace arbiter::snapshot
