#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <boost/json.hpp>
#include <random>

#include "collector/snapshot/parquet_column.hpp"
#include "collector/snapshot/parquet_levels.hpp"
#include "collector/snapshot/parquet_reader.hpp"
#include "collector/snapshot/parquet_schema.hpp"
#include "collector/snapshot/parquet_writer.hpp"
#include "collector/snapshot/publish.hpp"
#include "collector/snapshot/thrift.hpp"
#include "collector/snapshot/verify.hpp"
#include "tests/unit/snapshot/made_events.hpp"
#include "tests/unit/snapshot/shell.hpp"
#include "tests/unit/snapshot/temporary_directory.hpp"

using namespace arbiter;
namespace fs = std::filesystem;
namespace parquet = snapshot::parquet;
namespace thrift = snapshot::thrift;
using snapshot::Cell;
using snapshot::ColumnType;

namespace {

std::string hybrid(const std::vector<std::uint32_t>& values, unsigned width) {
  std::string out;
  parquet::append_hybrid(out, values, width);
  return out;
}

std::string bytes(std::initializer_list<int> all) {
  std::string text;
  for (const int b : all) text += static_cast<char>(b);
  return text;
}

fs::path publish(const TemporaryDirectory& directory, const MemoryView& view) {
  snapshot::ExportOptions options;
  options.directory = directory.string();
  options.formats = {"events.parquet", "decisions.parquet", "events.jsonl"};
  auto published = snapshot::publish(view, options);
  if (!published) FAIL(published.error().message);
  return published->path;
}

// What hyparquet, which is none of ours, finds in a file. Nothing: it is not installed here.
std::optional<boost::json::value> read_by_others(const fs::path& file) {
  const std::string readers = ARBITER_SNAPSHOT_READERS;
  if (run_shell("node --version").status != 0 || !fs::exists(readers + "/node_modules/hyparquet")) return std::nullopt;
  const Ran read = run_shell("node '" + readers + "/read-parquet.mjs' '" + file.string() + "'");
  CAPTURE(read.output);
  REQUIRE(read.status == 0);
  return boost::json::parse(read.output);
}

}  // namespace

TEST_CASE("small numbers are packed and run as the Parquet format has it") {
  // The example of the format's own document: 0 to 7 in three bits.
  CHECK(hybrid({0, 1, 2, 3, 4, 5, 6, 7}, 3) == bytes({0x03, 0x88, 0xc6, 0xfa}));
  CHECK(hybrid(std::vector<std::uint32_t>(100, 1), 1) == bytes({0xc8, 0x01, 0x01}));  // a run of 100
  CHECK(hybrid({1, 0, 1}, 1) == bytes({0x03, 0x05}));                                 // one group, filled up
  CHECK(hybrid({}, 1).empty());
  CHECK(parquet::width_of(0) == 1);
  CHECK(parquet::width_of(7) == 3);
  CHECK(parquet::width_of(8) == 4);
  std::mt19937 random(7);
  for (const unsigned width : {1u, 2u, 7u, 8u, 13u, 17u, 32u})
    for (int round = 0; round < 50; ++round) {
      std::vector<std::uint32_t> values;
      while (values.size() < random() % 500) {
        const auto value = static_cast<std::uint32_t>(random() & ((std::uint64_t{1} << width) - 1));
        values.insert(values.end(), random() % 3 == 0 ? random() % 40 : 1, value);
      }
      const std::string text = hybrid(values, width);
      CHECK(parquet::read_hybrid(text, values.size(), width) == values);
      if (!values.empty()) CHECK_FALSE(parquet::read_hybrid(text.substr(0, text.size() - 1), values.size(), width).has_value());
    }
}

TEST_CASE("thrift's compact protocol: fields by their distance, numbers in zigzag, long lists with their size behind") {
  std::string out;
  thrift::Writer writer(out);
  writer.i32(1, -1);
  writer.i64(4, 150);
  writer.binary(5, "ab");
  writer.boolean(7, true);
  writer.list(8, thrift::Type::i32, 2);
  writer.item_i32(1), writer.item_i32(2);
  writer.begin_object(9);
  writer.i32(2, 3);
  writer.end_object();
  writer.end();
  CHECK(out == bytes({0x15, 0x01, 0x36, 0xac, 0x02, 0x18, 0x02, 'a', 'b', 0x21, 0x19, 0x25, 0x02, 0x04, 0x1c, 0x25, 0x06, 0x00, 0x00}));
  thrift::Reader reader(out);
  reader.begin();
  int id = 0, fields = 0;
  for (thrift::Type type{}; reader.next(id, type); ++fields) {
    if (id == 4)
      CHECK(reader.number() == 150);
    else if (id == 5)
      CHECK(reader.binary() == "ab");
    else
      reader.skip(type);
  }
  CHECK(fields == 6);
  CHECK_FALSE(reader.failed());
  CHECK(reader.bytes_left() == 0);
  for (std::size_t cut = 0; cut + 1 < out.size(); ++cut) {
    thrift::Reader short_one(std::string_view(out).substr(0, cut));
    short_one.skip(thrift::Type::object);
    CHECK(short_one.failed());
  }
}

TEST_CASE("a column of texts has a dictionary until it grows too large for one, and the same values either way") {
  parquet::ColumnValues values({"t", ColumnType::text, false, false});
  std::string room;
  for (int i = 0; i < 1000; ++i)
    values.add(i % 3 == 0 ? Cell() : Cell::of(i % 2 == 0 ? std::string_view("even") : std::string_view("odd")));
  CHECK(values.dictionary());
  CHECK(values.dictionary_entries() == 2);
  CHECK(values.count() == 1000);
  CHECK(values.unknown() == 334);
  CHECK(values.extremes()->smallest == "even");
  CHECK(values.extremes()->largest == "odd");
  CHECK(values.data_page(room).size() < 600);
  const std::string large(1000, 'x');
  for (int i = 0; i < 300; ++i) values.add(Cell::of(std::string_view(large + std::to_string(i))));
  CHECK_FALSE(values.dictionary());
  CHECK(values.count() == 1300);
  CHECK(values.data_page(room).find("even") != std::string::npos);
  CHECK_FALSE(values.extremes().has_value());  // a text of a thousand bytes is no use there
  values.clear();
  CHECK(values.count() == 0);
  CHECK_FALSE(values.dictionary());
  CHECK_FALSE(values.extremes().has_value());
}

TEST_CASE("decisions.parquet says the same to hyparquet as was recorded: nulls, lists, nanoseconds, texts") {
  const TemporaryDirectory directory;
  MemoryView view;
  const std::string wide(60'000, 'w');
  view.add(Made(Kind::routing_decision, 1'790'000'000'123'456'789, 1, "task \"eins\" \xc3\xa4")
               .text("selectedAgent", "b")
               .text("decisionId", "d1")
               .text("context", R"({"size":1.50})")
               .real("propensity", 0.25)
               .alternatives({{"a", 0.5, -1}, {"b", -1, 0.25}})
               .values());
  view.add(Made(Kind::task_execution, 1'790'000'003'123'456'789, 2, "task \"eins\" \xc3\xa4")
               .text("agentId", "b")
               .text("decisionId", "d1")
               .time("startedAtNs", 1'790'000'001'123'456'789)
               .flag("outcome.success", true)
               .count("outcome.tokensConsumed", 0)
               .values());
  view.add(Made(Kind::routing_decision, 1'790'000'010'000'000'000, 3, "two")
               .text("selectedAgent", "a")
               .text("context", "{\"w\":\"" + wide + "\"}")
               .values());
  const fs::path path = publish(directory, view);
  CHECK(snapshot::verify(path.string())->problems == std::vector<std::string>{});
  const auto read = read_by_others(path / "decisions.parquet");
  if (!read) {
    MESSAGE("not run: hyparquet and decisions.parquet: tools/check has not installed it, or there is no node");
    return;
  }
  CHECK(read->at("columns").as_array().size() == 34);
  CHECK(read->at("columns").at(1) == "decidedAt:TIMESTAMP");
  CHECK(read->at("columns").at(11) == "candidateAgents:LIST");
  const auto& rows = read->at("rows").as_array();
  REQUIRE(rows.size() == 2);
  const auto text = [&](std::size_t row, const char* column) { return boost::json::serialize(rows[row].at(column)); };
  CHECK(text(0, "id") == "\"ab000000000000000000000000000000-0-1\"");
  CHECK(text(0, "decidedAt") == "\"1790000000123456789\"");
  CHECK(rows[0].at("taskId") == "task \"eins\" \xc3\xa4");
  CHECK(text(0, "taskType") == "null");
  CHECK(text(0, "propensity") == "2.5E-1");
  CHECK(text(0, "chosenIndex") == "1");
  CHECK(text(0, "candidateAgents") == R"(["a","b"])");
  CHECK(text(0, "candidateScores") == "[5E-1,null]");
  CHECK(text(0, "candidateProbabilities") == "[null,2.5E-1]");
  CHECK(rows[0].at("context") == R"({"size":1.50})");
  CHECK(text(0, "joinState") == "\"complete\"");
  CHECK(text(0, "success") == "true");
  CHECK(text(0, "tokensConsumed") == "0");
  CHECK(text(0, "durationNs") == "2000000000");
  CHECK(text(0, "startedAt") == "\"1790000001123456789\"");
  CHECK(text(0, "reward") == "1");
  CHECK(text(0, "rewardSource") == "\"success\"");
  CHECK(text(0, "rewardEvaluation") == "null");
  CHECK(text(1, "propensity") == "null");
  CHECK(text(1, "chosenIndex") == "null");
  CHECK(text(1, "candidateAgents") == "[]");
  CHECK(text(1, "success") == "null");
  CHECK(text(1, "reward") == "null");
  CHECK(text(1, "completedAt") == "null");
  CHECK(rows[1].at("context").as_string() == "{\"w\":\"" + wide + "\"}");
}

TEST_CASE("events.parquet holds every kind as events.jsonl does, over several row groups") {
  const TemporaryDirectory directory;
  MemoryView view;
  std::deque<sample::Event> kinds;
  std::uint64_t sequence = 1;
  for (const Kind kind : sample::all_kinds()) {
    sample::Event& e = kinds.emplace_back();
    sample::fill(e, kind);
    e.values.sequence = sequence++;
    view.add(e.values, 1, static_cast<std::uint32_t>(kind));
  }
  const std::string wide(50'000, 'w');
  for (std::uint64_t i = 0; i < 200; ++i) {  // more than one row group of 8 MiB
    Made made(Kind::minimality_evaluation, sample::kStampNs + static_cast<std::int64_t>(i), sequence++, "t" + std::to_string(i));
    view.add(made.text("qualityAssessment", wide.substr(i)).values(), 1);
  }
  const fs::path path = publish(directory, view);
  CHECK(snapshot::verify(path.string())->problems == std::vector<std::string>{});
  const auto read = read_by_others(path / "events.parquet");
  if (!read) {
    MESSAGE("not run: hyparquet and events.parquet: tools/check has not installed it, or there is no node");
    return;
  }
  CHECK(read->at("rowGroups") == 2);
  const auto& rows = read->at("rows").as_array();
  std::istringstream lines(file_text(path / "events.jsonl"));
  std::size_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    REQUIRE(n < rows.size());
    const auto e = boost::json::parse(line).as_object();
    const auto& row = rows[n].as_object();
    CHECK(row.at("id") == e.at("id"));
    CHECK(row.at("type") == e.at("type"));
    CHECK(row.at("timestamp") == e.at("timestampNs"));
    CHECK(row.at("revision") == (e.contains("revision") ? e.at("revision") : boost::json::value(0)));
    for (const char* key : {"agentId", "taskId"}) CHECK(row.at(key) == (e.contains(key) ? e.at(key) : boost::json::value(nullptr)));
    CHECK(boost::json::parse(row.at("data").as_string()) == e.at("data"));
    CHECK(line.find("\"data\":" + std::string(row.at("data").as_string())) != std::string::npos);
  }
  CHECK(n == 213);
  CHECK(rows.size() == n);
}

TEST_CASE("a table of nothing is one of no rows") {
  const TemporaryDirectory directory;
  const fs::path path = publish(directory, MemoryView());
  CHECK(snapshot::verify(path.string())->problems == std::vector<std::string>{});
  if (const auto read = read_by_others(path / "decisions.parquet")) CHECK(read->at("rows").as_array().empty());
}

TEST_CASE("a page of a few bytes that says it has more values than memory holds is wrong, and takes none") {
  constexpr std::int64_t many = std::int64_t{1} << 40;
  std::string levels;
  thrift::append_varint(levels, static_cast<std::uint64_t>(many) << 1);  // a run of so many ones
  levels += '\1';
  std::string page = bytes({static_cast<int>(levels.size()), 0, 0, 0}) + levels;
  std::string stored(ZSTD_compressBound(page.size()), '\0');
  stored.resize(ZSTD_compress(stored.data(), stored.size(), page.data(), page.size(), 3));

  using namespace parquet;
  std::string file(kMagic);
  thrift::Writer head(file);
  head.i32(field::kPageType, kDataPage);
  head.i32(field::kPagePlainBytes, static_cast<std::int64_t>(page.size()));
  head.i32(field::kPageStoredBytes, static_cast<std::int64_t>(stored.size()));
  head.begin_object(field::kData);
  head.i32(field::kPageValues, many);
  head.i32(field::kPageEncoding, kPlain);
  head.end_object();
  head.end();
  file += stored;

  std::string footer;
  thrift::Writer out(footer);
  out.list(field::kSchema, thrift::Type::object, 1);
  out.begin_item();
  out.i32(field::kType, kDouble);
  out.i32(field::kRepetitionType, kOptional);
  out.end_object();
  out.i64(field::kRows, many);
  out.list(field::kGroups, thrift::Type::object, 1);
  out.begin_item();
  out.list(field::kColumns, thrift::Type::object, 1);
  out.begin_item();
  out.begin_object(field::kMetaData);
  out.i32(field::kColumnType, kDouble);
  out.i32(field::kColumnCodec, kZstd);
  out.i64(field::kValues, many);
  out.i64(field::kDataPageAt, static_cast<std::int64_t>(kMagic.size()));
  out.end_object();
  out.end_object();
  out.i64(field::kGroupRows, many);
  out.end_object();
  out.end();
  file += footer + bytes({static_cast<int>(footer.size()), 0, 0, 0}) + std::string(kMagic);

  const TemporaryDirectory directory;
  write_file(fs::path(directory.string()) / "lies.parquet", file);
  const int fd = ::open((directory.string() + "/lies.parquet").c_str(), O_RDONLY | O_CLOEXEC);
  std::uint64_t rows = 0;
  CHECK(check_file(fd, file.size(), rows).value() == "has a page that is none, or not where its footer says");
  CHECK(rows == static_cast<std::uint64_t>(many));
  ::close(fd);
}

TEST_CASE("verify finds what is wrong in a table though its sum be right") {
  const TemporaryDirectory directory;
  MemoryView view;
  for (std::uint64_t i = 0; i < 300; ++i) sample::add_run(view, i);
  const fs::path path = publish(directory, view);
  const std::string good = file_text(path / "decisions.parquet");
  const auto problems = [&](const std::string& content) {
    write_file(path / "decisions.parquet", content);
    auto manifest = boost::json::parse(file_text(path / "manifest.json"));
    std::string sums;
    for (auto& file : manifest.at("files").as_array()) {
      const std::string name(file.at("name").as_string());
      if (name == "decisions.parquet") {
        file.at("bytes") = content.size();
        file.at("sha256") = run_shell("sha256sum '" + (path / name).string() + "'").output.substr(0, 64);
      }
      sums += std::string(file.at("sha256").as_string()) + "  " + name + "\n";
    }
    write_file(path / "manifest.json", boost::json::serialize(manifest));
    sums += run_shell("sha256sum '" + (path / "manifest.json").string() + "'").output.substr(0, 64) + "  manifest.json\n";
    write_file(path / "SHA256SUMS", sums);
    return snapshot::verify(path.string())->problems;
  };
  CHECK(problems(good).empty());
  for (const std::string& bad : {std::string(), good.substr(0, 7), good.substr(1), good.substr(0, good.size() - 1)})
    CHECK(problems(bad) == std::vector<std::string>{"decisions.parquet: is no Parquet file: export again"});
  std::string longer = good;
  longer[longer.size() - 6] = '\x7f';  // of the footer's length
  CHECK(problems(longer) == std::vector<std::string>{"decisions.parquet: has a footer that is longer than itself: export again"});
  // A bit anywhere in the pages: the page's own checksum is not there, but zstd, levels, values and dictionary have to fit.
  std::string page = good;
  page[5] = static_cast<char>(page[5] ^ 0x40);
  CHECK(problems(page).size() == 1);
  std::mt19937 random(11);
  for (int i = 0; i < 20; ++i) {  // whatever is in it: an answer, and no harm
    std::string any = good;
    for (int j = 0; j < 4; ++j) any[random() % any.size()] = static_cast<char>(random());
    static_cast<void>(problems(any));
  }
}
