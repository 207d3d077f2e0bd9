// A lane by itself, in a memory file, with events in it whose every byte is known.
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

#include "shm/lane_reader.hpp"
#include "shm/lane_writer.hpp"

namespace arbiter::test {

class LaneInMemory {
 public:
  LaneInMemory() : control_(std::make_unique<abi::LaneControl>()) {
    fd_ = memfd_create("lane", MFD_CLOEXEC);
    if (fd_ < 0 || ftruncate(fd_, static_cast<off_t>(abi::kLaneBytes)) != 0) throw std::runtime_error("memfd");
    // A page that may not be touched on either side: who leaves the lane does not get far.
    const std::size_t page = 4096;
    reserved_bytes_ = abi::kLaneBytes + 2 * page;
    reserved_ = static_cast<std::byte*>(mmap(nullptr, reserved_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    area_ = reserved_ + page;
    if (mmap(area_, abi::kLaneBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED)
      throw std::runtime_error("mmap");
    std::memset(area_, 0, abi::kLaneBackedBytesMin);
    control_->account.backed_records.store(abi::kLaneRecordsMin);
  }
  ~LaneInMemory() {
    munmap(reserved_, reserved_bytes_);
    close(fd_);
  }
  LaneInMemory(const LaneInMemory&) = delete;
  LaneInMemory& operator=(const LaneInMemory&) = delete;

  LaneWriter writer() { return LaneWriter::resume(*control_, area_).value(); }
  LaneReader reader() { return {*control_, area_, abi::kLaneRecords}; }
  abi::LaneControl& control() { return *control_; }
  std::byte* area() { return area_; }
  std::byte* at(std::uint32_t offset) { return area_ + std::size_t{offset} * abi::kRecordBytes; }

  // What the memory file holds in memory: pages that were touched.
  std::size_t backed_bytes() const {
    struct stat status {};
    fstat(fd_, &status);
    return static_cast<std::size_t>(status.st_blocks) * 512;
  }

 private:
  std::unique_ptr<abi::LaneControl> control_;
  int fd_ = -1;
  std::byte* reserved_ = nullptr;
  std::size_t reserved_bytes_ = 0;
  std::byte* area_ = nullptr;
};

// Event number `sequence`, `length` bytes: after the head, bytes that follow from the two.
inline void fill_event(std::byte* at, std::uint64_t sequence, std::uint32_t length) {
  const abi::EventHead head{sequence * 3, sequence, abi::kNoTime, 0, 0, length, 13, 0};
  std::memcpy(at, &head, sizeof head);
  for (std::uint32_t i = sizeof head; i < length; ++i) at[i] = static_cast<std::byte>((sequence * 131 + i * 7) >> 2);
}

inline bool is_event(std::span<const std::byte> bytes, std::uint64_t sequence, std::uint32_t length) {
  static thread_local std::vector<std::byte> expected;
  expected.resize(length);
  fill_event(expected.data(), sequence, length);
  return bytes.size() == length && std::memcmp(bytes.data(), expected.data(), length) == 0;
}

inline std::uint64_t sequence_of(std::span<const std::byte> event) {
  std::uint64_t sequence;
  std::memcpy(&sequence, event.data() + offsetof(abi::EventHead, sequence), sizeof sequence);
  return sequence;
}

// The length that event number `sequence` has in a run of this seed: the reader needs no word from the writer. Mostly small, at times the
// largest.
struct Sizes {
  std::uint64_t seed;
  std::uint32_t usual_max = 600;
  std::uint32_t one_large_in = 50;

  std::uint32_t length(std::uint64_t sequence) const {
    std::uint64_t x = sequence * 0x9e3779b97f4a7c15 ^ seed;
    x ^= x >> 31, x *= 0xbf58476d1ce4e5b9, x ^= x >> 29;
    const auto least = static_cast<std::uint64_t>(sizeof(abi::EventHead));
    const std::uint64_t most = x % one_large_in == 0 ? abi::kEventBytesMax : usual_max;
    return static_cast<std::uint32_t>(least + (x >> 16) % (most - least + 1));
  }
};

// Attempts one event; counts a drop if there is no room. True if it was recorded.
inline bool record(LaneWriter& lane, const Sizes& sizes) {
  const std::uint64_t sequence = lane.attempt();
  const std::uint32_t length = sizes.length(sequence);
  std::byte* const at = lane.reserve(records_for(length));
  if (at == nullptr) {
    lane.count_dropped(abi::Drop::lane_full);
    return false;
  }
  fill_event(at, sequence, length);
  lane.publish(records_for(length));
  return true;
}

}  // namespace arbiter::test
