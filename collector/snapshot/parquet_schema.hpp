// The numbers of Parquet's own format (parquet.thrift of Apache), those that we write.
#pragma once

#include <cstdint>

namespace arbiter::snapshot::parquet {

enum Physical : std::int32_t { kBoolean = 0, kInt64 = 2, kDouble = 5, kByteArray = 6 };
enum Repetition : std::int32_t { kRequired = 0, kOptional = 1, kRepeated = 2 };
enum Converted : std::int32_t { kUtf8 = 0, kListGroup = 3 };
enum Encoding : std::int32_t { kPlain = 0, kRle = 3, kRleDictionary = 8 };
enum Codec : std::int32_t { kZstd = 6 };
enum PageType : std::int32_t { kDataPage = 0, kDictionaryPage = 2 };

namespace field {  // ids in the structs
enum FileMetaData : int { kVersion = 1, kSchema = 2, kRows = 3, kGroups = 4, kCreatedBy = 6, kOrders = 7 };
enum SchemaElement : int { kType = 1, kRepetitionType = 3, kName = 4, kChildren = 5, kConvertedType = 6, kLogicalType = 10 };
enum LogicalType : int { kString = 1, kList = 3, kTimestamp = 8 };
enum Timestamp : int { kIsUtc = 1, kUnit = 2, kNanos = 3 };
enum RowGroup : int { kColumns = 1, kGroupBytes = 2, kGroupRows = 3 };
enum ColumnChunk : int { kFileOffset = 2, kMetaData = 3 };
enum ColumnMetaData : int {
  kColumnType = 1,
  kEncodings = 2,
  kPath = 3,
  kColumnCodec = 4,
  kValues = 5,
  kPlainBytes = 6,
  kStoredBytes = 7,
  kDataPageAt = 9,
  kDictionaryPageAt = 11,
  kStatistics = 12
};
enum Statistics : int { kNullCount = 3, kMax = 5, kMin = 6 };
enum PageHeader : int { kPageType = 1, kPagePlainBytes = 2, kPageStoredBytes = 3, kData = 5, kDictionary = 7 };
enum DataPage : int { kPageValues = 1, kPageEncoding = 2, kDefinitionEncoding = 3, kRepetitionEncoding = 4 };
}  // namespace field

}  // namespace arbiter::snapshot::parquet
