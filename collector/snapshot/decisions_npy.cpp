// decisions.npy: a NumPy structured array, for np.load(FILE, mmap_mode="r").
//
// A field for each column of decision_row.hpp that has a fixed size. Texts are bytes in UTF-8 ("S"), as wide as the longest of the file, so
// that nothing is cut and the array can be mapped; lists are there as their length (candidateAgents), contexts are not: decisions.parquet
// has them. What is not known is NaN, NaT, b"" and, of whole numbers and of success, -1.
#include <bit>
#include <limits>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/npy.hpp"
#include "collector/snapshot/quality.hpp"

namespace arbiter::snapshot {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian, and so are we");

class DecisionsNpy : public Format {
 public:
  explicit DecisionsNpy(std::string_view name) : name_(name) {}

  Result<void> begin(const Place& place) override {
    auto file = OutputFile::create(place, name_);
    if (!file) return file.error();
    file_ = std::move(*file);
    return {};
  }

  Result<void> decisions(const DecisionTotals& totals) override {
    const auto columns = decision_columns();
    std::vector<npy::Field> fields;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& column = columns[i];
      if (column.name == "context" || (column.list() && column.name != "candidateAgents")) continue;
      const bool length = column.list();
      columns_.push_back({&column, length ? ColumnType::whole : column.type, std::max<std::size_t>(totals.text_bytes[i], 1)});
      fields.push_back({std::string(length ? "candidates" : column.name), type_text(columns_.back())});
    }
    return file_->write(npy::header(fields, totals.rows));
  }

  Result<void> decision(const DecisionRow& row) override {
    ++rows_;
    quality_.add(row);
    record_.clear();
    for (const Field& field : columns_) append(field, field.column->get(row));
    return file_->write(record_);
  }

  Result<FileInfo> finish() override {
    auto file = file_->finish(rows_);
    if (file) file->quality = quality_.json();
    return file;
  }
  std::uint64_t bytes() const override { return file_->bytes(); }

 private:
  struct Field {
    const Column<DecisionRow>* column;
    ColumnType type;
    std::size_t text_bytes;
  };

  static std::string type_text(const Field& field) {
    switch (field.type) {
      case ColumnType::text: return "|S" + std::to_string(field.text_bytes);
      case ColumnType::real: return "<f8";
      case ColumnType::whole: return "<i8";
      case ColumnType::flag: return "|i1";
      case ColumnType::time: return "<M8[ns]";
    }
    return {};
  }

  template <class T>
  void put(T value) {
    record_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void append(const Field& field, const Cell& cell) {
    switch (field.type) {
      case ColumnType::text:
        record_ += cell.text;
        record_.append(field.text_bytes - cell.text.size(), '\0');
        break;
      case ColumnType::real: put(cell.there ? cell.real : std::numeric_limits<double>::quiet_NaN()); break;
      case ColumnType::whole: put(cell.there ? cell.whole : std::int64_t{-1}); break;
      case ColumnType::flag: put(static_cast<std::int8_t>(cell.there ? cell.whole : -1)); break;
      case ColumnType::time: put(cell.there ? cell.whole : std::numeric_limits<std::int64_t>::min()); break;  // NaT
    }
  }

  std::string name_;
  std::unique_ptr<OutputFile> file_;
  std::vector<Field> columns_;
  std::string record_;
  DecisionQuality quality_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<Format> make_decisions_npy(std::string_view file_name) { return std::make_unique<DecisionsNpy>(file_name); }

}  // namespace arbiter::snapshot
