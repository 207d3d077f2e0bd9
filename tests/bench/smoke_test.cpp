// Each mode of arbiter-bench, as short as it goes: it measures what it says, and says it in JSON. Nothing here is about how fast anything
// is.
#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <set>
#include <string>

#include "tests/bench/peers/peer.hpp"
#include "tests/bench/program.hpp"

using namespace arbiter;
namespace json = boost::json;

namespace {

std::string program(const char* name) { return std::string(ARBITER_BIN_DIR) + "/" + name; }

std::string text(const json::value& object, const char* key) { return std::string(object.at(key).as_string()); }

// The document of one short round of a mode: its rows have the keys that readers of it go by, and figures that can be.
json::value measured(const std::string& mode) {
  const auto said = bench::output_of({program("arbiter-bench"), "--rounds", "1", "--scale", "0.02", "--json", mode});
  REQUIRE_MESSAGE(said.has_value(), said.error().message);
  json::value document = json::parse(*said);
  CHECK(document.at("machine").at("bounds").at("store256Ns").to_number<double>() > 0);
  CHECK(document.at("machine").at("cyclesPerNs").to_number<double>() > 0);
  REQUIRE(document.at("placements").as_array().size() == 1);
  CHECK(text(document.at("placements").at(0), "mode") == mode);
  CHECK(document.at("placements").at(0).at("roundTripNs").as_array().size() == 2);
  for (const json::value& row : document.at("rows").as_array()) {
    CAPTURE(json::serialize(row));
    CHECK(text(row, "mode") == mode);
    CHECK(row.at("rounds").to_number<int>() == 1);
    CHECK(!text(row, "of").empty());
    const double median = row.at("median").to_number<double>();
    CHECK(median == row.at("min").to_number<double>());
    CHECK(median == row.at("max").to_number<double>());
    const bool difference = text(row, "measure") == "above an empty call" || text(row, "measure") == "record in C over C++";
    if (text(row, "unit") != "events" && !difference) CHECK(median > 0);
  }
  return document;
}

std::set<std::string> measures(const json::value& document) {
  std::set<std::string> all;
  for (const json::value& row : document.at("rows").as_array()) all.insert(text(row, "measure"));
  return all;
}

// What rows of that measure are about, in their order, with commas between.
std::string of(const json::value& document, std::string_view measure) {
  std::string all;
  for (const json::value& row : document.at("rows").as_array())
    if (text(row, "measure") == measure) all += (all.empty() ? "" : ", ") + text(row, "of");
  return all;
}

double median(const json::value& document, std::string_view measure) {
  for (const json::value& row : document.at("rows").as_array())
    if (text(row, "measure") == measure) return row.at("median").to_number<double>();
  FAIL("no such row: " << measure);
  return 0;
}

}  // namespace

TEST_CASE("record: a call of each kind, and where nothing is to be recorded") {
  const json::value document = measured("record");
  CHECK(of(document, "record, burst") == "small, typical, typical, by handle, large");
  CHECK(of(document, "record over stamp and store") == "small, typical, typical, by handle, large");
  CHECK(of(document, "record, first bursts") == "small, typical, typical, by handle, large");
  CHECK(of(document, "record in C over C++") == "small, typical, typical, in a kept struct, typical, by handle, large");
  CHECK(of(document, "record into a full lane") == "small, typical, typical, by handle");
  CHECK(of(document, "above an empty call") == "paused, disabled, without a lane");
}

TEST_CASE("saturated: back to back") {
  CHECK(measures(measured("saturated")) == std::set<std::string>{"record, saturated", "cache line round trip"});
}

TEST_CASE("paced: quantiles in their order") {
  const json::value document = measured("paced");
  CHECK(of(document, "record, 10,000 a second") == "p50, p99, p99.9, most");
  const json::array& rows = document.at("rows").as_array();
  for (std::size_t i = 1; i < rows.size(); ++i)
    CHECK(rows[i - 1].at("median").to_number<double>() <= rows[i].at("median").to_number<double>());
}

TEST_CASE("pipeline: with and without anonymising") {
  const json::value document = measured("pipeline");
  CHECK(of(document, "pipeline, one core").starts_with("typical, "));
  CHECK(of(document, "pipeline, one core").find("typical, anonymised, ") != std::string::npos);
  CHECK(of(document, "pipeline, one core").find("typical, anonymised, random ids, ") != std::string::npos);
}

TEST_CASE("sustained: what was not dropped is in the statistics, to the event") {
  const json::value document = measured("sustained");
  CHECK(median(document, "account off by") == 0);
  CHECK(median(document, "sustained into fresh segments") > 0);
  CHECK(measures(document).contains("lost at a million a second"));
}

TEST_CASE("lag: idle and under load") { CHECK(of(measured("lag"), "recorded -> in the statistics, p99") == "idle, a million a second"); }

TEST_CASE("idle: one quiet producer, and many") {
  CHECK(of(measured("idle"), "attached and idle") == "1 quiet producer, 100 quiet producers");
}

TEST_CASE("memory: the collector's own and that of lanes") {
  const json::value document = measured("memory");
  CHECK(of(document, "the collector's own, at most") == "1 agent, 10 agents, 100 agents, completions alone, 100 agents");
  CHECK(of(document, "tmpfs") == "100 quiet producers, a lane that bursts, nobody reading");
}

TEST_CASE("restart: killed and stopped") {
  CHECK(of(measured("restart"), "ready again") ==
        "200000 events, killed while sealing is behind, 200000 events, killed, 200000 events, stopped");
}

TEST_CASE("disk: before and after sealing") {
  const json::value document = measured("disk");
  CHECK(measures(document) ==
        std::set<std::string>{"journal over records, before sealing", "journal over records, sealed", "sealed over before"});
}

TEST_CASE("encoders: rows as Parquet") {
  CHECK(of(measured("encoders"), "rows encoded as Parquet") == "flat, 18 columns, decisions, 3 candidates");
}

TEST_CASE("export: every format in order and scattered, its memory, and what becomes of recording meanwhile") {
  const json::value document = measured("export");
  for (const char* format : {"events.jsonl", "events.jsonl.zst", "events.parquet", "trajectories.jsonl.zst", "decisions.dsjson.zst",
                             "decisions.npy", "decisions.parquet", "all of these"})
    for (const char* arrived : {"in order", "scattered"}) {
      CAPTURE(format);
      const std::string what = std::string(format) + ", " + arrived;
      CHECK(of(document, "events exported").find(what) != std::string::npos);
      CHECK(of(document, "memory of the collector, at most").find(what) != std::string::npos);
    }
  CHECK(of(document, "events exported").find("events.jsonl, lines of 600 bytes") != std::string::npos);
  CHECK(of(document, "lost") == "200,000 a second, exporting all formats");
}

TEST_CASE("figures: without and with them") {
  const json::value document = measured("figures");
  CHECK(of(document, "with over without") == "100 agents, 10000 agents");
  CHECK(median(document, "the follower's own time") > 0);
}

TEST_CASE("panes: what they take") {
  const json::value document = measured("panes");
  CHECK(median(document, "of which panes hold") > 0);
  CHECK(median(document, "charts of the watch for anomalies, besides") > 0);
  CHECK(measures(document).contains("asked for every agent over 7 days"));
}

TEST_CASE("questions: of tasks, windows, agents") {
  const json::value document = measured("questions");
  CHECK(of(document, "stats --window") == "5m, 1h, 24h, 7d");
  CHECK(of(document, "agents NAME") == "7d");
}

TEST_CASE("growth: three lines, with the place of each point on its axis") {
  const json::value document = measured("growth");
  CHECK(of(document, "an event's cost over producers") == "1, 10");
  CHECK(of(document, "an event's cost over retained events") == "1000, 10000, 100000");
  CHECK(of(document, "an event's cost over agents") == "10, 100");
  CHECK(of(document, "dearest over cheapest") == "producers, retained events, agents");
  for (const json::value& row : document.at("rows").as_array())
    if (text(row, "measure") != "dearest over cheapest") CHECK(std::to_string(row.at("at").to_number<int>()) == text(row, "of"));
}

TEST_CASE("bindings: each that is built, beside an empty call") {
  const json::value document = measured("bindings");
  const std::string from_python = of(document, "a call from Python");
  CHECK(from_python.ends_with("a completion, over ctypes"));
  if (std::filesystem::exists(std::string(ARBITER_BIN_DIR) + "/../python/arbiter/_native.abi3.so"))
    CHECK(from_python ==
          "empty, with these keywords, a completion, by the accelerator, "
          "start and completion, as a block, by the accelerator, a completion, over ctypes");
  if (std::filesystem::exists(std::string(ARBITER_BIN_DIR) + "/../lib/arbiter_producer.node") && !bench::found_program("node").empty())
    CHECK(of(document, "a call from Node")
              .starts_with("empty, with these arguments, empty, with this object, a completion, by the addon, "
                           "a completion from an object, by the addon, start and completion from objects, by the addon"));
}

TEST_CASE("compare: every peer, or a refusal that says how to have them all") {
  if (const std::string missing = bench::missing_peers(); !missing.empty()) {
    const auto said = bench::output_of({program("arbiter-bench"), "--rounds", "1", "--scale", "0.02", "--json", "compare"});
    REQUIRE(said.has_error());
    CHECK(said.error().message.find(missing) != std::string::npos);
    CHECK(said.error().message.find("tools/bench-setup") != std::string::npos);
    MESSAGE("not run: arbiter-bench compare: " << missing << " are not installed: tools/bench-setup");
    return;
  }
  const json::value document = measured("compare");
  const std::string burst = of(document, "a call, burst"), saturated = of(document, "a call, saturated");
  for (const bench::Peer& peer : bench::peers()) {
    CAPTURE(peer.name);
    CHECK(burst.find(peer.name) != std::string::npos);
    CHECK(saturated.find(peer.name) != std::string::npos);
    CHECK(of(document, "a call of 10,000 a second, p50").find(peer.name) != std::string::npos);
  }
  CHECK(of(document, "bound") == "storing the same bytes, a stamp, and storing the same bytes, rdtsc, clock_gettime, an empty call");
}

TEST_CASE("a mode that is none is refused, and the answer says where to look") {
  const auto said = bench::output_of({program("arbiter-bench"), "recrod"});
  REQUIRE(said.has_error());
  CHECK(said.error().message.find("unknown mode 'recrod': see arbiter-bench --help") != std::string::npos);
}
