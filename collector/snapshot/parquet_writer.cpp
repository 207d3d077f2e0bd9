#include "collector/snapshot/parquet_writer.hpp"

#include <zstd.h>

#include "collector/snapshot/parquet_schema.hpp"
#include "collector/snapshot/thrift.hpp"

namespace arbiter::snapshot::parquet {
namespace {

constexpr int kLevel = 1;
constexpr std::string_view kCreatedBy = "arbiter";

Physical physical(ColumnType type) {
  switch (type) {
    case ColumnType::text: return kByteArray;
    case ColumnType::real: return kDouble;
    case ColumnType::flag: return kBoolean;
    default: return kInt64;
  }
}

std::int64_t number(std::uint64_t n) { return static_cast<std::int64_t>(n); }

// The leaf of a column in the schema.
void write_leaf(thrift::Writer& out, ColumnType type, Repetition repetition, std::string_view name) {
  out.begin_item();
  out.i32(field::kType, physical(type));
  out.i32(field::kRepetitionType, repetition);
  out.binary(field::kName, name);
  if (type == ColumnType::text) {
    out.i32(field::kConvertedType, kUtf8);
    out.begin_object(field::kLogicalType);
    out.begin_object(field::kString);
    out.end_object();
    out.end_object();
  } else if (type == ColumnType::time) {
    out.begin_object(field::kLogicalType);
    out.begin_object(field::kTimestamp);
    out.boolean(field::kIsUtc, true);
    out.begin_object(field::kUnit);
    out.begin_object(field::kNanos);
    out.end_object();
    out.end_object();
    out.end_object();
    out.end_object();
  }
  out.end_object();
}

void write_schema(thrift::Writer& out, const std::vector<ColumnSpec>& columns) {
  std::size_t elements = 1;
  for (const ColumnSpec& column : columns) elements += column.list ? 3 : 1;
  out.list(field::kSchema, thrift::Type::object, elements);
  out.begin_item();
  out.binary(field::kName, "schema");
  out.i32(field::kChildren, number(columns.size()));
  out.end_object();
  for (const ColumnSpec& column : columns) {
    if (!column.list) {
      write_leaf(out, column.type, column.required ? kRequired : kOptional, column.name);
      continue;
    }
    out.begin_item();
    out.i32(field::kRepetitionType, kRequired);
    out.binary(field::kName, column.name);
    out.i32(field::kChildren, 1);
    out.i32(field::kConvertedType, kListGroup);
    out.begin_object(field::kLogicalType);
    out.begin_object(field::kList);
    out.end_object();
    out.end_object();
    out.end_object();
    out.begin_item();
    out.i32(field::kRepetitionType, kRepeated);
    out.binary(field::kName, "list");
    out.i32(field::kChildren, 1);
    out.end_object();
    write_leaf(out, column.type, kOptional, "element");
  }
}

}  // namespace

Writer::Writer(std::unique_ptr<OutputFile> file, std::vector<ColumnSpec> columns)
    : file_(std::move(file)), columns_(std::move(columns)), zstd_(ZSTD_createCCtx()) {
  for (const ColumnSpec& column : columns_) values_.emplace_back(column);
}
Writer::~Writer() { ZSTD_freeCCtx(zstd_); }

Result<void> Writer::put(std::string_view bytes) {
  if (at_ == 0) {
    if (auto ok = file_->write(kMagic); !ok) return ok;
    at_ = kMagic.size();
  }
  at_ += bytes.size();
  return file_->write(bytes);
}

Result<void> Writer::end_row() {
  ++rows_;
  ++group_rows_;
  if (group_rows_ < kGroupRows && group_rows_ % 64 != 0) return {};  // what a row takes is small beside a group
  open_bytes_ = 0;
  for (const ColumnValues& values : values_) open_bytes_ += values.bytes();
  return open_bytes_ >= kGroupBytes || group_rows_ == kGroupRows ? end_group() : Result<void>();
}

Result<std::string_view> Writer::compress(std::string_view page) {
  if (compressed_.size() < ZSTD_compressBound(page.size())) compressed_.resize(ZSTD_compressBound(page.size()));
  std::vector<char>& out = compressed_;
  const std::size_t bytes = zstd_ == nullptr ? 0 : ZSTD_compressCCtx(zstd_, out.data(), out.size(), page.data(), page.size(), kLevel);
  if (bytes == 0 || ZSTD_isError(bytes) != 0) return Error{"compression of a page failed: is there memory?"};
  return std::string_view(out.data(), bytes);
}

Result<void> Writer::write_page(std::string_view page, std::uint64_t values, bool dictionary, bool by_dictionary, Chunk& chunk) {
  const auto stored = compress(page);
  if (!stored) return stored.error();
  std::string header;
  thrift::Writer out(header);
  out.i32(field::kPageType, dictionary ? kDictionaryPage : kDataPage);
  out.i32(field::kPagePlainBytes, number(page.size()));
  out.i32(field::kPageStoredBytes, number(stored->size()));
  out.begin_object(dictionary ? field::kDictionary : field::kData);
  out.i32(field::kPageValues, number(values));
  out.i32(field::kPageEncoding, by_dictionary ? kRleDictionary : kPlain);
  if (!dictionary) {
    out.i32(field::kDefinitionEncoding, kRle);
    out.i32(field::kRepetitionEncoding, kRle);
  }
  out.end_object();
  out.end();
  chunk.plain_bytes += header.size() + page.size();
  chunk.stored_bytes += header.size() + stored->size();
  if (auto ok = put(header); !ok) return ok;
  return put(*stored);
}

Result<void> Writer::end_group() {
  if (group_rows_ == 0) return {};
  Group group{group_rows_, 0, {}};
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    ColumnValues& values = values_[c];
    Chunk chunk{values.count(),      values.unknown(), 0, 0, std::max<std::uint64_t>(at_, kMagic.size()), 0,
                values.dictionary(), values.extremes()};
    if (chunk.dictionary)
      if (auto ok = write_page(values.dictionary_page(), values.dictionary_entries(), true, false, chunk); !ok) return ok;
    chunk.data_page = std::max<std::uint64_t>(at_, kMagic.size());
    if (auto ok = write_page(values.data_page(page_), values.count(), false, chunk.dictionary, chunk); !ok) return ok;
    values.clear();
    group.plain_bytes += chunk.plain_bytes;

    thrift::Writer out(group.chunks);
    out.begin_item();
    out.i64(field::kFileOffset, number(chunk.first_page));
    out.begin_object(field::kMetaData);
    out.i32(field::kColumnType, physical(columns_[c].type));
    out.list(field::kEncodings, thrift::Type::i32, chunk.dictionary ? 3 : 2);
    out.item_i32(kPlain);
    out.item_i32(kRle);
    if (chunk.dictionary) out.item_i32(kRleDictionary);
    out.list(field::kPath, thrift::Type::binary, columns_[c].list ? 3 : 1);
    out.item_binary(columns_[c].name);
    if (columns_[c].list) out.item_binary("list"), out.item_binary("element");
    out.i32(field::kColumnCodec, kZstd);
    out.i64(field::kValues, number(chunk.values));
    out.i64(field::kPlainBytes, number(chunk.plain_bytes));
    out.i64(field::kStoredBytes, number(chunk.stored_bytes));
    out.i64(field::kDataPageAt, number(chunk.data_page));
    if (chunk.dictionary) out.i64(field::kDictionaryPageAt, number(chunk.first_page));
    out.begin_object(field::kStatistics);
    out.i64(field::kNullCount, number(chunk.unknown));
    if (chunk.extremes) {
      out.binary(field::kMax, chunk.extremes->largest);
      out.binary(field::kMin, chunk.extremes->smallest);
    }
    out.end_object();
    out.end_object();
    out.end_object();
  }
  groups_.push_back(std::move(group));
  group_rows_ = open_bytes_ = 0;
  return {};
}

std::string Writer::footer() const {
  std::string bytes;
  thrift::Writer out(bytes);
  out.i32(field::kVersion, 2);
  write_schema(out, columns_);
  out.i64(field::kRows, number(rows_));
  out.list(field::kGroups, thrift::Type::object, groups_.size());
  for (const Group& group : groups_) {
    out.begin_item();
    out.list(field::kColumns, thrift::Type::object, columns_.size());
    bytes += group.chunks;
    out.i64(field::kGroupBytes, number(group.plain_bytes));
    out.i64(field::kGroupRows, number(group.rows));
    out.end_object();
  }
  out.binary(field::kCreatedBy, kCreatedBy);
  out.list(field::kOrders, thrift::Type::object, columns_.size());
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    out.begin_item();
    out.begin_object(1);  // by the order of the column's type
    out.end_object();
    out.end_object();
  }
  out.end();
  return bytes;
}

Result<FileInfo> Writer::finish() {
  if (auto ok = end_group(); !ok) return ok.error();
  std::string end = footer();
  const auto bytes = static_cast<std::uint32_t>(end.size());
  end.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  end += kMagic;
  if (auto ok = put(end); !ok) return ok.error();
  return file_->finish(rows_);
}

}  // namespace arbiter::snapshot::parquet
