// Parquet's hybrid of run lengths and bit packing: how it writes small numbers (levels, indices into a dictionary).
//
//   run      varint of length * 2, the value in as few bytes as its width takes
//   packed   varint of groups * 2 + 1, then groups of 8 values, each in `width` bits, the lowest first; the last group is filled with 0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace arbiter::snapshot::parquet {

// Appends `values`, each below 2^width; width 1 to 32.
void append_hybrid(std::string& out, std::span<const std::uint32_t> values, unsigned width);

// The first `count` values in `bytes`, which anybody may have written. Nothing: there are not as many.
std::optional<std::vector<std::uint32_t>> read_hybrid(std::string_view bytes, std::size_t count, unsigned width);

// Bits that numbers from 0 to `most` take; 1 at least.
unsigned width_of(std::uint32_t most);

}  // namespace arbiter::snapshot::parquet
