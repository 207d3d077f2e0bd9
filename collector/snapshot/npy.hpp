// The header of a NumPy array file, version 1.0, of a one-dimensional structured array:
//
//   93 'N' 'U' 'M' 'P' 'Y'  1 0  2 bytes length of what follows  {'descr': [('id', '|S40'), ..], 'fortran_order': False, 'shape': (7,), }
//
// padded with spaces, a newline at its end, so that the rows behind it begin at a multiple of 64.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace arbiter::snapshot::npy {

struct Field {
  std::string name;
  std::string type;  // "<f8", "<i8", "|i1", "|S12", "<M8[ns]"
};

std::string header(std::span<const Field> fields, std::uint64_t rows);

// What a header claims, of a file that anybody may have written.
struct Claimed {
  std::uint64_t header_bytes = 0;
  std::uint64_t row_bytes = 0;
  std::uint64_t rows = 0;
};
// Nothing: it is none of those that header() writes. `begin`: the file from its start; kHeaderBytesMax of it are always enough.
inline constexpr std::size_t kHeaderBytesMax = 10 + 65535;
std::optional<Claimed> read_header(std::string_view begin);

}  // namespace arbiter::snapshot::npy
