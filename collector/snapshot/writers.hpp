// The data files of a snapshot while they are written: of each format one, or one for each side of the split, or several of bounded size.
//
//   events.jsonl.zst                                       all
//   events-train.jsonl.zst                                 of one side
//   events-000000000000-000000250000.jsonl.zst             of bounded size: the number of its first row, and of the row behind its last,
//   events-train-000000000000-000000250000.jsonl.zst       among those of the format (and side)
//
// A file ends with the row that brings it to the bound, by what has left the compressor, or earlier. decisions.npy, which is mapped and not
// read, is one file for each side, however large. Of each side there is a file, if only one without a row.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/split.hpp"

namespace arbiter::snapshot {

// The name of a file of rows. `rows`: from the first on, where files are of bounded size.
std::string data_file_name(std::string_view format, std::optional<Side> side,
                           std::optional<std::pair<std::uint64_t, std::uint64_t>> rows = std::nullopt);

// The files of one format and one side.
class Parts {
 public:
  Parts(const FormatInfo& format, Place place, std::optional<Side> side, std::optional<std::uint64_t> file_bytes);

  Result<void> begin();  // opens a file, where none is open
  Format& writer() { return *writer_; }
  // After each row: ends the file where it is large enough.
  Result<void> end_row();
  Result<void> finish(std::vector<FileInfo>& files);

 private:
  std::string building_name() const;
  Result<void> end_file();

  const FormatInfo* format_;
  Place place_;
  std::optional<Side> side_;
  std::optional<std::uint64_t> file_bytes_;
  std::unique_ptr<Format> writer_;
  std::uint64_t rows_ = 0, first_row_ = 0;
  std::vector<FileInfo> done_;
};

class Writers {
 public:
  // `split`: there is a file for each side; else all rows are given to train.
  static Result<Writers> begin(const std::vector<const FormatInfo*>& chosen, const Place& place, bool split,
                               std::optional<std::uint64_t> file_bytes);

  bool any(Rows rows) const;

  // Gives a row, or with `ends` false a piece of one, to every format that is made of such rows.
  template <class Give>
  Result<void> give(Rows rows, Side side, Give give, bool ends = true) {
    for (Each& each : all_) {
      if (each.format->rows != rows) continue;
      Parts& parts = each.sides[each.sides.size() == 1 ? 0 : static_cast<std::size_t>(side)];
      if (auto ok = parts.begin(); !ok) return ok;
      if (auto ok = give(parts.writer()); !ok) return ok;
      if (!ends) continue;
      if (auto ok = parts.end_row(); !ok) return ok;
    }
    return {};
  }
  // What is known of all decisions, before the first.
  Result<void> decisions(const DecisionTotals& totals);

  // In the order of the formats, train first.
  Result<void> finish(std::vector<FileInfo>& files);

 private:
  struct Each {
    const FormatInfo* format;
    std::vector<Parts> sides;  // one, or one for each
  };
  std::vector<Each> all_;
};

}  // namespace arbiter::snapshot
