#include "collector/snapshot/parquet_reader.hpp"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "collector/snapshot/parquet_levels.hpp"
#include "collector/snapshot/parquet_schema.hpp"
#include "collector/snapshot/parquet_writer.hpp"
#include "collector/snapshot/thrift.hpp"

namespace arbiter::snapshot::parquet {
namespace {

using thrift::Reader;
using thrift::Type;
using Text = Result<std::string>;
Text says(std::string text) { return {boost::system::in_place_value, std::move(text)}; }

constexpr std::size_t kTailBytes = 8, kHeaderBytesMax = 256, kBytesMax = 256 << 20;
// A few bytes can say more than memory holds: no group of ours has so many columns, no page so many values (parquet_writer.hpp).
constexpr std::size_t kColumnsMax = 64;
constexpr std::int64_t kValuesMax = 16 << 20;

struct Chunk {
  std::int64_t physical = -1, codec = -1, values = -1, data_page = -1, dictionary_page = -1, stored_bytes = -1, unknown = 0;
};
struct Group {
  std::int64_t rows = -1;
  std::vector<Chunk> chunks;
};
struct Leaf {
  bool list, required;
};
struct Footer {
  std::int64_t rows = -1;
  std::vector<Leaf> leaves;
  std::vector<Group> groups;
};
struct Page {
  std::int64_t type = -1, plain_bytes = -1, stored_bytes = -1, values = -1, encoding = -1;
  std::size_t header_bytes = 0;
};

// Takes each field of a struct: `take` reads those it knows and says so.
template <class Take>
void each_field(Reader& in, Take take) {
  in.begin();
  int id = 0;
  for (Type type{}; in.next(id, type);)
    if (!take(id, type)) in.skip(type);
}
template <class Take>
void each_item(Reader& in, Take take) {
  Type of{};
  for (std::size_t left = in.list(of); left > 0 && !in.failed(); --left) take();
}
bool whole(Reader& in, Type type, std::int64_t& to) {
  if (type != Type::i32 && type != Type::i64) return false;
  to = in.number();
  return true;
}

Chunk read_chunk(Reader& in) {
  Chunk chunk;
  each_field(in, [&](int id, Type type) {
    if (id != field::kMetaData || type != Type::object) return false;
    each_field(in, [&](int meta, Type of) {
      switch (meta) {
        case field::kColumnType: return whole(in, of, chunk.physical);
        case field::kColumnCodec: return whole(in, of, chunk.codec);
        case field::kValues: return whole(in, of, chunk.values);
        case field::kStoredBytes: return whole(in, of, chunk.stored_bytes);
        case field::kDataPageAt: return whole(in, of, chunk.data_page);
        case field::kDictionaryPageAt: return whole(in, of, chunk.dictionary_page);
        case field::kStatistics:
          each_field(in, [&](int statistic, Type its) { return statistic == field::kNullCount && whole(in, its, chunk.unknown); });
          return true;
        default: return false;
      }
    });
    return true;
  });
  return chunk;
}

Group read_group(Reader& in) {
  Group group;
  each_field(in, [&](int id, Type type) {
    if (id == field::kGroupRows) return whole(in, type, group.rows);
    if (id != field::kColumns || type != Type::list) return false;
    each_item(in, [&] {
      const Chunk chunk = read_chunk(in);
      if (chunk.data_page >= 0 && group.chunks.size() <= kColumnsMax) group.chunks.push_back(chunk);
    });
    return true;
  });
  return group;
}

// The leaves of the schema as write_schema makes it: a column, or a list of three levels.
std::optional<Footer> read_footer(std::string_view bytes) {
  Reader in(bytes);
  Footer footer;
  bool in_list = false;
  each_field(in, [&](int id, Type type) {
    if (id == field::kRows) return whole(in, type, footer.rows);
    if (type != Type::list) return false;
    if (id == field::kGroups) {
      each_item(in, [&] { footer.groups.push_back(read_group(in)); });
      return true;
    }
    if (id != field::kSchema) return false;
    each_item(in, [&] {
      std::int64_t physical = -1, repetition = -1;
      each_field(in, [&](int of, Type its) {
        if (of == field::kType) return whole(in, its, physical);
        return of == field::kRepetitionType && whole(in, its, repetition);
      });
      if (repetition == kRepeated) in_list = true;
      if (physical < 0) return;
      footer.leaves.push_back({in_list, repetition == kRequired});
      in_list = false;
    });
    return true;
  });
  return in.failed() ? std::nullopt : std::optional(std::move(footer));
}

std::optional<Page> read_page_header(std::string_view bytes) {
  Reader in(bytes);
  Page page;
  each_field(in, [&](int id, Type type) {
    switch (id) {
      case field::kPageType: return whole(in, type, page.type);
      case field::kPagePlainBytes: return whole(in, type, page.plain_bytes);
      case field::kPageStoredBytes: return whole(in, type, page.stored_bytes);
      case field::kData:
      case field::kDictionary:
        if (type != Type::object) return false;
        each_field(in, [&](int of, Type its) {
          if (of == field::kPageValues) return whole(in, its, page.values);
          return of == field::kPageEncoding && whole(in, its, page.encoding);
        });
        return true;
      default: return false;
    }
  });
  if (in.failed()) return std::nullopt;
  page.header_bytes = bytes.size() - in.bytes_left();
  return page;
}

std::optional<std::string_view> take(std::string_view& from, std::size_t bytes) {
  if (from.size() < bytes) return std::nullopt;
  const std::string_view taken = from.substr(0, bytes);
  from.remove_prefix(bytes);
  return taken;
}
std::optional<std::string_view> take_sized(std::string_view& from) {
  const auto size = take(from, sizeof(std::uint32_t));
  if (!size) return std::nullopt;
  std::uint32_t bytes = 0;
  std::memcpy(&bytes, size->data(), sizeof bytes);
  return take(from, bytes);
}

// Are there exactly `count` values of this type, and nothing behind them?
bool plain_values(std::string_view bytes, std::int64_t physical, std::size_t count) {
  switch (physical) {
    case kBoolean: return bytes.size() == (count + 7) / 8;
    case kInt64:
    case kDouble: return bytes.size() == 8 * count;
    case kByteArray:
      for (; count > 0; --count)
        if (!take_sized(bytes)) return false;
      return bytes.empty();
    default: return false;
  }
}

class File {
 public:
  File(int fd, std::uint64_t bytes) : fd_(fd), bytes_(bytes) {}

  Text read(std::uint64_t at, std::size_t bytes) const {
    std::string text(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::pread(fd_, text.data() + have, bytes - have, static_cast<off_t>(at + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("reading");
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return says(std::move(text));
  }

  // The page at `at`, decompressed, and where the next would be; `wrong` where there is none.
  Text page(std::uint64_t& at, Page& page, const char*& wrong) const {
    wrong = "has a page that is none, or not where its footer says";
    if (at >= bytes_) return says({});
    const auto head = read(at, static_cast<std::size_t>(std::min<std::uint64_t>(kHeaderBytesMax, bytes_ - at)));
    if (!head) return head;
    const auto header = read_page_header(*head);
    if (!header || header->stored_bytes < 0 || header->plain_bytes < 0 || header->values < 0 || header->values > kValuesMax)
      return says({});
    page = *header;
    at += page.header_bytes;
    const auto stored = static_cast<std::uint64_t>(page.stored_bytes), plain = static_cast<std::uint64_t>(page.plain_bytes);
    if (stored > bytes_ - at || stored > kBytesMax || plain > kBytesMax) return says({});
    const auto compressed = read(at, static_cast<std::size_t>(stored));
    if (!compressed) return compressed;
    at += stored;
    std::string out(static_cast<std::size_t>(plain), '\0');
    const std::size_t got = ZSTD_decompress(out.data(), out.size(), compressed->data(), compressed->size());
    if (ZSTD_isError(got) != 0 || got != out.size()) return says({});
    wrong = nullptr;
    return says(std::move(out));
  }

 private:
  int fd_;
  std::uint64_t bytes_;
};

// What is wrong with the values of a data page, or null.
const char* check_values(std::string_view page, const Page& about, const Chunk& chunk, const Leaf& leaf, std::size_t dictionary_entries,
                         std::int64_t rows) {
  const auto count = static_cast<std::size_t>(about.values);
  std::size_t known = count;
  if (leaf.list) {
    const auto bytes = take_sized(page);
    const auto levels = bytes ? read_hybrid(*bytes, count, 1) : std::nullopt;
    if (!levels || std::count(levels->begin(), levels->end(), 0u) != rows) return "has lists that are not one a row";
  } else if (about.values != rows) {
    return "has a column with not one value a row";
  }
  if (leaf.list || !leaf.required) {
    const std::uint32_t most = leaf.list ? 2 : 1;
    const auto bytes = take_sized(page);
    const auto levels = bytes ? read_hybrid(*bytes, count, width_of(most)) : std::nullopt;
    if (!levels) return "has fewer levels than values";
    known = static_cast<std::size_t>(std::count(levels->begin(), levels->end(), most));
  }
  if (about.encoding == kPlain) return plain_values(page, chunk.physical, known) ? nullptr : "has not the values that its levels say";
  const auto width = take(page, 1);
  if (about.encoding != kRleDictionary || !width || width->front() < 1 || width->front() > 32)
    return "has a page of an encoding that is none of ours";
  const auto indices = read_hybrid(page, known, static_cast<unsigned>(width->front()));
  if (!indices) return "has not the values that its levels say";
  const bool inside = std::all_of(indices->begin(), indices->end(), [&](std::uint32_t i) { return i < dictionary_entries; });
  return inside ? nullptr : "names texts that its dictionary has not";
}

}  // namespace

Text check_file(int fd, std::uint64_t bytes, std::uint64_t& rows) {
  const File file(fd, bytes);
  const std::size_t least = kMagic.size() + kTailBytes;
  if (bytes < least) return says("is no Parquet file");
  const auto head = file.read(0, kMagic.size()), tail = file.read(bytes - kTailBytes, kTailBytes);
  if (!head || !tail) return head ? tail : head;
  if (*head != kMagic || tail->substr(4) != kMagic) return says("is no Parquet file");
  std::uint32_t footer_bytes = 0;
  std::memcpy(&footer_bytes, tail->data(), sizeof footer_bytes);
  if (footer_bytes > bytes - least || footer_bytes > kBytesMax) return says("has a footer that is longer than itself");
  const auto text = file.read(bytes - kTailBytes - footer_bytes, footer_bytes);
  if (!text) return text;
  const auto footer = read_footer(*text);
  if (!footer || footer->rows < 0) return says("has a footer that is none");
  rows = static_cast<std::uint64_t>(footer->rows);

  std::int64_t all = 0;
  for (const Group& group : footer->groups) {
    if (group.chunks.size() != footer->leaves.size() || group.rows < 0 || group.rows > footer->rows - all)
      return says("has a row group that does not fit its columns and rows");
    all += group.rows;
    for (std::size_t c = 0; c < group.chunks.size(); ++c) {
      const Chunk& chunk = group.chunks[c];
      const char* wrong = nullptr;
      Page page;
      std::size_t entries = 0;
      if (chunk.codec != kZstd || chunk.data_page < 0) return says("has a column that none of ours is like");
      auto at = static_cast<std::uint64_t>(chunk.dictionary_page >= 0 ? chunk.dictionary_page : chunk.data_page);
      if (chunk.dictionary_page >= 0) {
        const auto dictionary = file.page(at, page, wrong);
        if (!dictionary) return dictionary;
        if (wrong != nullptr) return says(wrong);
        entries = static_cast<std::size_t>(page.values);
        if (page.type != kDictionaryPage || !plain_values(*dictionary, chunk.physical, entries))
          return says("has a dictionary that is none");
      }
      if (at != static_cast<std::uint64_t>(chunk.data_page)) return says("has a page that is none, or not where its footer says");
      const auto data = file.page(at, page, wrong);
      if (!data) return data;
      if (wrong == nullptr && (page.type != kDataPage || page.values != chunk.values))
        wrong = "has a page of other values than its footer says";
      if (wrong == nullptr) wrong = check_values(*data, page, chunk, footer->leaves[c], entries, group.rows);
      if (wrong != nullptr) return says(wrong);
    }
  }
  return says(all == footer->rows ? std::string() : "has row groups of fewer rows than its footer says");
}

}  // namespace arbiter::snapshot::parquet
