// Writes a Parquet file: its rows come one by one, and leave as row groups of bounded size.
//
//   "PAR1"  row groups  footer (FileMetaData, thrift compact)  4 bytes its length  "PAR1"
//
// A row group holds, column by column, a dictionary page (texts that repeat) and one data page of version 1, each compressed with zstd:
// repetition levels, definition levels, values. Texts are UTF-8 strings, reals doubles, times nanoseconds in UTC; a list is a required
// group of optional items, in three levels as readers expect. Each column chunk has its number of unknown values, its smallest and its
// largest. The same rows are the same bytes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/snapshot/output_file.hpp"
#include "collector/snapshot/parquet_column.hpp"

struct ZSTD_CCtx_s;

namespace arbiter::snapshot::parquet {

inline constexpr std::string_view kMagic = "PAR1";

class Writer {
 public:
  // A row group ends with the row that makes it this large.
  static constexpr std::size_t kGroupBytes = 8 << 20, kGroupRows = 128 << 10;

  Writer(std::unique_ptr<OutputFile> file, std::vector<ColumnSpec> columns);
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <class Row>
  static std::vector<ColumnSpec> specs(std::span<const Column<Row>> columns) {
    std::vector<ColumnSpec> specs;
    for (const auto& c : columns) specs.push_back({std::string(c.name), c.type, c.required, c.list()});
    return specs;
  }

  // A row of the columns that the specs were made of.
  template <class Row>
  Result<void> row(std::span<const Column<Row>> columns, const Row& row) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const Cell cell = columns[c].get(row);
      if (!columns[c].list()) {
        values_[c].add(cell);
        continue;
      }
      if (cell.whole == 0) values_[c].add_empty_list();
      for (std::size_t i = 0; i < static_cast<std::size_t>(cell.whole); ++i) values_[c].add_item(columns[c].item(row, i), i == 0);
    }
    return end_row();
  }

  Result<FileInfo> finish();

  // So far, and of the open row group what it is uncompressed, looked at every 64 rows.
  std::uint64_t bytes() const { return at_ + open_bytes_; }

 private:
  struct Chunk {
    std::uint64_t values, unknown, plain_bytes, stored_bytes, first_page, data_page;
    bool dictionary;
    std::optional<ColumnValues::Extremes> extremes;
  };
  struct Group {
    std::uint64_t rows, plain_bytes;
    std::string chunks;  // as the footer has them
  };

  Result<void> end_row();
  Result<void> end_group();
  Result<std::string_view> compress(std::string_view page);  // good until the next call
  Result<void> write_page(std::string_view page, std::uint64_t values, bool dictionary, bool by_dictionary, Chunk& chunk);
  Result<void> put(std::string_view bytes);
  std::string footer() const;

  std::unique_ptr<OutputFile> file_;
  std::vector<ColumnSpec> columns_;
  std::vector<ColumnValues> values_;
  ZSTD_CCtx_s* zstd_;
  std::vector<char> compressed_;
  std::string page_;  // room for one
  std::uint64_t at_ = 0, rows_ = 0, group_rows_ = 0, open_bytes_ = 0;
  std::vector<Group> groups_;
};

}  // namespace arbiter::snapshot::parquet
