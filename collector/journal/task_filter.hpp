// Which tasks there are in a block: a Bloom filter, so that a search for one task reads hardly any block in which it is not.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "collector/journal/frame.hpp"

namespace arbiter::journal {

inline constexpr unsigned kFilterBitsPerTask = 10;  // with six probes: one block in a hundred is read in vain
inline constexpr unsigned kFilterProbes = 6;

// Index of the field that names the task, by kind; -1: the kind has none.
inline constexpr auto kTaskField = [] {
  std::array<int, kKinds + 1> fields{};
  for (std::size_t k = 1; k <= kKinds; ++k) fields[k] = schema::find_field(static_cast<Kind>(k), "taskId");
  return fields;
}();
inline const event::Text* task_of(const event::Values& v) {
  const int f = kTaskField[static_cast<std::size_t>(v.kind)];
  return f >= 0 && v.has(static_cast<unsigned>(f)) ? &v.text[static_cast<unsigned>(f)] : nullptr;
}

std::uint64_t filter_hash(const event::Text& task);  // of the stored form
std::vector<std::uint64_t> filter_of(std::span<const std::byte> frames, const SegmentKey& key);
bool filter_has(std::span<const std::uint64_t> filter, std::uint64_t hash);

}  // namespace arbiter::journal
