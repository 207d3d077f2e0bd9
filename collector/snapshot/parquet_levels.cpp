#include "collector/snapshot/parquet_levels.hpp"

#include <algorithm>
#include <bit>

#include "collector/snapshot/thrift.hpp"

namespace arbiter::snapshot::parquet {
namespace {

constexpr std::size_t kGroup = 8;

void append_packed(std::string& out, std::span<const std::uint32_t> values, unsigned width) {
  if (values.empty()) return;
  const std::size_t groups = (values.size() + kGroup - 1) / kGroup;
  thrift::append_varint(out, groups << 1 | 1);
  std::uint64_t bits = 0;
  unsigned have = 0;
  for (std::size_t i = 0; i < groups * kGroup; ++i) {
    bits |= static_cast<std::uint64_t>(i < values.size() ? values[i] : 0) << have;
    for (have += width; have >= 8; have -= 8, bits >>= 8) out += static_cast<char>(bits);
  }
}

void append_run(std::string& out, std::uint32_t value, std::size_t length, unsigned width) {
  thrift::append_varint(out, length << 1);
  for (unsigned bits = 0; bits < width; bits += 8) out += static_cast<char>(value >> bits);
}

}  // namespace

unsigned width_of(std::uint32_t most) { return std::max(1u, static_cast<unsigned>(std::bit_width(most))); }

void append_hybrid(std::string& out, std::span<const std::uint32_t> values, unsigned width) {
  std::size_t packed = 0;  // from here on values wait to be packed
  for (std::size_t at = 0; at < values.size();) {
    std::size_t end = at + 1;
    while (end < values.size() && values[end] == values[at]) ++end;
    const std::size_t fill = (kGroup - (at - packed) % kGroup) % kGroup;  // of the run, to make whole groups of what waits
    if (end - at < fill + kGroup) {
      at = end;
      continue;
    }
    append_packed(out, values.subspan(packed, at + fill - packed), width);
    append_run(out, values[at], end - at - fill, width);
    at = packed = end;
  }
  append_packed(out, values.subspan(packed), width);
}

std::optional<std::vector<std::uint32_t>> read_hybrid(std::string_view bytes, std::size_t count, unsigned width) {
  std::vector<std::uint32_t> values;
  while (values.size() < count) {
    const auto head = thrift::take_varint(bytes);
    if (!head) return std::nullopt;
    if ((*head & 1) == 0) {
      const std::size_t value_bytes = (width + 7) / 8;
      if (bytes.size() < value_bytes || *head >> 1 > count - values.size()) return std::nullopt;
      std::uint32_t value = 0;
      for (std::size_t i = 0; i < value_bytes; ++i) value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << 8 * i;
      bytes.remove_prefix(value_bytes);
      values.insert(values.end(), *head >> 1, value);
      continue;
    }
    const std::uint64_t groups = *head >> 1;
    if (groups > bytes.size() || groups * width > bytes.size()) return std::nullopt;
    std::uint64_t bits = 0;
    unsigned have = 0;
    for (std::size_t i = 0, at = 0; i < groups * kGroup; ++i) {
      for (; have < width; have += 8) bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at++])) << have;
      if (values.size() < count) values.push_back(static_cast<std::uint32_t>(bits & ((std::uint64_t{1} << width) - 1)));
      bits >>= width;
      have -= width;
    }
    bytes.remove_prefix(groups * width);
  }
  return values;
}

}  // namespace arbiter::snapshot::parquet
