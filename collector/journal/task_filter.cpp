#include "collector/journal/task_filter.hpp"

#include <xxhash.h>

#include <algorithm>

namespace arbiter::journal {
namespace {

std::uint64_t filter_bit(std::uint64_t hash, unsigned probe, std::size_t words) {
  const std::uint64_t step = (hash << 32 | hash >> 32) | 1;
  return (hash + probe * step) % (64 * words);
}

}  // namespace

std::vector<std::uint64_t> filter_of(std::span<const std::byte> frames, const SegmentKey& key) {
  std::vector<std::uint64_t> hashes;
  while (const auto frame = parse_frame(frames, key, true)) {
    frames = frames.subspan(frame->bytes());
    each_event(frame->body, [&](const LaneId&, const event::Values& stored) {
      if (const event::Text* const task = task_of(stored)) hashes.push_back(filter_hash(*task));
      return true;
    });
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  std::vector<std::uint64_t> filter((hashes.size() * kFilterBitsPerTask + 63) / 64 + 1);
  for (const std::uint64_t hash : hashes)
    for (unsigned probe = 0; probe < kFilterProbes; ++probe) {
      const std::uint64_t bit = filter_bit(hash, probe, filter.size());
      filter[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
  return filter;
}

std::uint64_t filter_hash(const event::Text& task) { return XXH3_64bits_withSeed(task.data, task.size, task.hashed ? 1 : 0); }

bool filter_has(std::span<const std::uint64_t> filter, std::uint64_t hash) {
  for (unsigned probe = 0; probe < kFilterProbes; ++probe) {
    const std::uint64_t bit = filter_bit(hash, probe, filter.size());
    if ((filter[bit / 64] >> bit % 64 & 1) == 0) return false;
  }
  return true;
}

}  // namespace arbiter::journal
