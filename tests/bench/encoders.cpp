// The Parquet encoder by itself: rows that are in memory, into a file.
#include <array>
#include <filesystem>
#include <vector>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/parquet_writer.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

using namespace snapshot;

constexpr double kRows = 1e6;
constexpr std::size_t kRowsThere = 1 << 14;  // they come again and again: what is measured is not the making of rows

std::string_view view(const std::array<char, 36>& id) { return {id.data(), id.size()}; }

// 18 columns: an id that hardly comes again, words of few values, times, counts, reals, flags.
struct FlatRow {
  std::array<char, 36> id;
  std::array<std::string_view, 4> words;
  std::array<std::int64_t, 3> times, counts;
  std::array<double, 5> reals;
  std::array<std::int64_t, 2> flags;
};
Cell id_of(const FlatRow& r) { return Cell::of(view(r.id)); }
template <auto Member, std::size_t I>
Cell cell(const FlatRow& r) {
  return Cell::of((r.*Member)[I]);
}
template <std::size_t I>
constexpr Column<FlatRow> word(std::string_view name) {
  return {name, ColumnType::text, true, cell<&FlatRow::words, I>};
}
template <std::size_t I>
constexpr Column<FlatRow> time(std::string_view name) {
  return {name, ColumnType::time, true, cell<&FlatRow::times, I>};
}
template <std::size_t I>
constexpr Column<FlatRow> count(std::string_view name) {
  return {name, ColumnType::whole, true, cell<&FlatRow::counts, I>};
}
template <std::size_t I>
constexpr Column<FlatRow> real(std::string_view name) {
  return {name, ColumnType::real, true, cell<&FlatRow::reals, I>};
}
template <std::size_t I>
constexpr Column<FlatRow> flag(std::string_view name) {
  return {name, ColumnType::flag, true, cell<&FlatRow::flags, I>};
}
constexpr Column<FlatRow> kFlat[] = {
    {"id", ColumnType::text, true, id_of},
    word<0>("agent"),
    word<1>("type"),
    word<2>("strategy"),
    word<3>("version"),
    time<0>("decided"),
    time<1>("started"),
    time<2>("ended"),
    count<0>("all"),
    count<1>("in"),
    count<2>("out"),
    real<0>("reward"),
    real<1>("score"),
    real<2>("speed"),
    real<3>("thrift"),
    real<4>("quality"),
    flag<0>("success"),
    flag<1>("passed"),
};
static_assert(std::size(kFlat) == 18);

class Made {
 public:
  Made() {
    for (int i = 0; i < 100; ++i) agents_.push_back("agent-of-many-that-record-here-" + std::to_string(i));
  }
  std::string_view agent() { return agents_[ids_.random() % agents_.size()]; }
  double share() { return static_cast<double>(ids_.random() >> 44) / (1 << 20); }
  std::int64_t next_ns() { return now_ns_ += static_cast<std::int64_t>(ids_.random() % 1'000'000); }
  std::int64_t tokens() { return static_cast<std::int64_t>(ids_.random() % 4096); }
  std::string id() {
    std::array<char, 36> bytes{};
    ids_.next(bytes);
    return std::string(view(bytes));
  }

  FlatRow flat() {
    FlatRow row{};
    ids_.next(row.id);
    row.words = {agent(), "code-review", "multi-armed-bandit", "policy-17"};
    for (auto& at : row.times) at = next_ns();
    for (auto& n : row.counts) n = tokens();
    for (auto& x : row.reals) x = share();
    row.flags = {tokens() % 10 != 0, tokens() % 7 != 0};
    return row;
  }
  DecisionRow decision() {
    DecisionRow row;
    row.key = {next_ns(), {}, static_cast<std::uint64_t>(now_ns_)};
    row.decided_ns = row.key.time_ns;
    row.id = id();
    row.task_id = id();
    row.decision_id = id();
    row.selected_agent = agent();
    row.task_type = "code-review";
    row.strategy = "multi-armed-bandit";
    row.confidence = share();
    row.propensity = share();
    for (int i = 0; i < 3; ++i) row.candidates.push_back({std::string(agent()), share(), share()});
    row.ending.attempts = 1;
    row.ending.outcome.success = true;
    row.ending.outcome.quality = share();
    row.ending.outcome.tokens = static_cast<std::uint64_t>(tokens());
    row.ending.started_ns = next_ns();
    row.ending.completed_ns = next_ns();
    row.set_ending(Ending(row.ending), RewardFormula{});
    return row;
  }

 private:
  Ids ids_{1};
  std::vector<std::string> agents_;
  std::int64_t now_ns_ = 1'790'000'000'000'000'000;
};

// Rows a second, of the first to the last until the file is complete, on stable storage too.
template <class Row>
Result<double> pace(const std::vector<Row>& rows, std::uint64_t times, auto&& write, auto&& finish) {
  const std::uint64_t began = now_ns();
  for (std::uint64_t i = 0; i < times; ++i)
    if (auto ok = write(rows[i % rows.size()]); !ok) return ok.error();
  if (auto file = finish(); !file) return file.error();
  return static_cast<double>(times) * 1e9 / static_cast<double>(now_ns() - began);
}

template <class Row>
std::vector<Row> some(Row (Made::*make)()) {
  Made made;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < kRowsThere; ++i) rows.push_back((made.*make)());
  return rows;
}

}  // namespace

Result<void> encoders(const Setting& setting, Report& report) {
  const std::string directory = setting.directory + "/encoded";
  std::filesystem::create_directories(directory);
  const auto rows = setting.count_of(kRows);
  pin(0);
  const auto add = [&](const char* what, const Result<double>& paced, double goal) -> Result<void> {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    if (!paced) return paced.error();
    Row& row = report.add("encoders", "rows encoded as Parquet", what, "/s", *paced);
    row.goal = goal;
    row.goal_is_least = true;
    return {};
  };
  auto file = OutputFile::create(directory, "flat.parquet");
  if (!file) return file.error();
  const std::span<const Column<FlatRow>> columns(kFlat);
  parquet::Writer flat(std::move(*file), parquet::Writer::specs(columns));
  auto done = add("flat, 18 columns",
                  pace(
                      some(&Made::flat), rows, [&](const FlatRow& row) { return flat.row(columns, row); }, [&] { return flat.finish(); }),
                  2e6);
  if (!done) return done;
  const auto decisions = make_decisions_parquet("decisions.parquet");
  if (auto ok = decisions->begin(directory); !ok) return ok;
  return add("decisions, 3 candidates",
             pace(
                 some(&Made::decision), rows, [&](const DecisionRow& row) { return decisions->decision(row); },
                 [&] { return decisions->finish(); }),
             3e5);
}

}  // namespace arbiter::bench
