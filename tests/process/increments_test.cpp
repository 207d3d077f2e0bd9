// Increments: whatever is recorded late, amended, removed or killed between them, applied in order they are the full export, row for row.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <utility>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::int64_t kTime = 1'790'000'000'000'000'000;
constexpr const char* kEvents = "events.jsonl.zst";

json::object manifest_of(const fs::path& snapshot) { return json::parse(read_file(snapshot / "manifest.json")).as_object(); }

std::int64_t decimal(const json::value& text) { return std::stoll(std::string(text.as_string())); }

// Segment, lane and sequence of an id.
using Recorded = std::tuple<std::string, std::uint64_t, std::uint64_t>;
Recorded recorded(const std::string& id) {
  const std::size_t lane = id.find('-') + 1, sequence = id.rfind('-') + 1;
  return {id.substr(0, lane - 1), std::stoull(id.substr(lane)), std::stoull(id.substr(sequence))};
}

// What a training job has: the rows of a chain of snapshots, as chain.hpp says how to apply them.
class Rows {
 public:
  void apply(const fs::path& snapshot) {
    const json::object manifest = manifest_of(snapshot);
    const json::object& chain = manifest.at("chain").as_object();
    if (chain.at("follows").is_null()) {
      rows_.clear();
    } else {
      REQUIRE(chain.at("follows").at("cursor") == json::string(cursor_));
      REQUIRE(manifest.at("range").at("fromCursor") == json::string(cursor_));
      remove_what_left(snapshot);
    }
    const auto events = read_lines(snapshot / "events.jsonl.zst");
    std::size_t at = 0;
    for (const json::object& run : read_lines(snapshot / "places.jsonl.zst"))
      for (std::int64_t n = run.at("rows").as_int64(); n > 0; --n) put(events.at(at++), run);
    CHECK(at == events.size());
    cursor_ = std::string(manifest.at("range").at("toCursor").as_string());
    CHECK(rows_.size() == static_cast<std::uint64_t>(chain.at("retained").as_int64()));
  }

  // In the order of a full export.
  std::vector<std::string> sorted() const {
    std::map<std::tuple<std::int64_t, Recorded>, std::string> ordered;
    for (const auto& [id, row] : rows_) ordered[{row.time_ns, recorded(id)}] = row.text;
    std::vector<std::string> lines;
    for (auto& [key, text] : ordered) lines.push_back(std::move(text));
    return lines;
  }
  const std::string& cursor() const { return cursor_; }

 private:
  struct Row {
    std::string text;
    std::int64_t time_ns, retention_ns, frame, revision;
  };

  void put(const json::object& event, const json::object& run) {
    const std::string id(event.at("id").as_string());
    const std::int64_t time = decimal(event.at("timestampNs"));
    const Row row{json::serialize(event), time, run.contains("retentionNs") ? decimal(run.at("retentionNs")) : time,
                  run.at("frame").as_int64(), event.contains("revision") ? event.at("revision").as_int64() : 0};
    const auto [there, is_new] = rows_.emplace(id, row);
    if (is_new) return;
    CHECK(there->second.revision < row.revision);
    there->second = row;
  }

  void remove_what_left(const fs::path& snapshot) {
    const auto ranges = read_lines(snapshot / "retained.jsonl");
    std::erase_if(rows_, [&](const auto& each) {
      const Row& row = each.second;
      for (const json::object& range : ranges) {
        if (row.frame < range.at("firstFrame").as_int64() || row.frame > range.at("lastFrame").as_int64()) continue;
        if (!range.contains("from")) return false;
        const json::object& from = range.at("from").as_object();
        const Recorded edge{std::string(from.at("segment").as_string()), static_cast<std::uint64_t>(from.at("lane").as_int64()),
                            std::stoull(std::string(from.at("sequence").as_string()))};
        return std::tuple(row.retention_ns, recorded(each.first)) < std::tuple(decimal(from.at("retentionNs")), edge);
      }
      return true;
    });
  }

  std::map<std::string, Row> rows_;
  std::string cursor_;
};

std::vector<std::string> full_rows(const fs::path& snapshot) {
  std::vector<std::string> lines;
  for (const json::object& event : read_lines(snapshot / kEvents)) lines.push_back(json::serialize(event));
  return lines;
}

// Agents at work, from a seed: decisions, starts and completions of tasks in any order, and padding that fills the journal.
class Work {
 public:
  explicit Work(std::uint64_t seed) : random_(seed) {}
  std::uint64_t up_to(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n)(random_); }

  std::string lines() {
    std::string out;
    for (std::uint64_t n = 5 + up_to(40); n > 0; --n) {
      const std::string id = std::to_string(up_to(300));
      const std::string task = R"("executionId":"x-)" + id + R"(","taskId":"t-)" + id + R"(","agentId":"a")";
      switch (up_to(3)) {
        case 0:
          out +=
              event_line("routing-decision", time(), R"({"decisionId":"d-)" + id + R"(","taskId":"t-)" + id + R"(","selectedAgent":"a"})");
          break;
        case 1: out += event_line("task-start", time(), "{" + task + "}"); break;
        case 2: out += event_line("task-execution", time(), "{" + task + R"(,"outcome":{"success":true}})"); break;
        default: out += event_line("padding", time(), R"({"text":")" + std::string(2000 + up_to(20'000), 'x') + "\"}");
      }
    }
    return out;
  }

 private:
  // Mostly forward; some come late, and some are dated after the moment they are recorded.
  std::int64_t time() {
    now_ += static_cast<std::int64_t>(up_to(1'000'000));
    if (up_to(9) == 0) return kTime + static_cast<std::int64_t>(up_to(5'000'000));
    if (up_to(19) == 0) return now_ns() + 3600 * std::int64_t{1'000'000'000} + static_cast<std::int64_t>(up_to(1'000'000));
    return now_;
  }

  std::mt19937_64 random_;
  std::int64_t now_ = kTime;
};

void interleave(std::uint64_t seed) {
  CAPTURE(seed);
  Place place;
  Collector collector(place, plain_config(R"("journal": {"segment_bytes": "1MiB"}, "export": {"interval": null, "keep": null})"));
  Work work(seed);
  Rows rows;
  place.replay(place.write("first.jsonl", work.lines()));
  fs::path newest = collector.snapshot({"--format", kEvents});
  rows.apply(newest);
  std::size_t increments = 0, removed = 0;
  for (int step = 0; step < 40; ++step) {
    CAPTURE(step);
    switch (work.up_to(9)) {
      case 0:
        collector.kill();
        collector.start();
        break;
      case 1:
        REQUIRE(collector.stop() == 0);
        collector.start();
        break;
      case 2:
        if (work.up_to(2) == 0)
          collector.ctl({"config", "set", "retention.max_bytes=3MiB"});
        else
          collector.ctl({"config", "set", "retention.max_events=" + std::to_string(50 + work.up_to(300))});
        break;
      case 3: collector.ctl({"config", "set", "retention.max_events=null", "retention.max_bytes=null"}); break;
      case 4:
        if (work.up_to(3) == 0) collector.ctl({"clear", "--yes"});
        break;
      case 5:
      case 6: {
        const std::string base = work.up_to(1) == 0 ? "cursor:" + rows.cursor() : "snapshot:" + newest.filename().string();
        const std::size_t before = rows.sorted().size();
        newest = collector.snapshot({"--since", base, "--format", kEvents});
        rows.apply(newest);
        removed += rows.sorted().size() < before;
        ++increments;
        const std::vector<std::string> full = full_rows(collector.snapshot({"--format", kEvents}));
        REQUIRE(rows.sorted() == full);
        break;
      }
      default: place.replay(place.write("more.jsonl", work.lines()));
    }
  }
  MESSAGE("seed " << seed << ": " << increments << " increments, " << removed << " of which removed more than they added");
}

}  // namespace

TEST_CASE("any interleaving of events, late ones, kills, retention and exports gives increments that sum to the full export") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) interleave(seed);
}

TEST_CASE("an increment holds what came and what was amended since, and nothing else") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("first.jsonl", event_line("probe", kTime, "{}") +
                                              event_line("task-execution", kTime + 2'000'000,
                                                         R"({"executionId":"x","taskId":"t","agentId":"a","outcome":{"success":true}})")));
  const fs::path full = collector.snapshot();
  place.replay(
      place.write("start.jsonl", event_line("task-start", kTime + 1'000'000, R"({"executionId":"x","taskId":"t","agentId":"a"})")));
  const fs::path increment = collector.snapshot({"--since", "snapshot:1"});
  const auto events = read_lines(increment / kEvents);
  REQUIRE(events.size() == 2);
  CHECK(events[0].at("type") == "task-start");
  CHECK(events[1].at("type") == "task-execution");
  CHECK(events[1].at("revision") == 1);
  CHECK(events[1].at("data").at("durationMs").to_number<double>() == 1);
  CHECK_FALSE(fs::exists(increment / "trajectories.jsonl.zst"));
  CHECK(manifest_of(increment).at("chain").at("retained") == 3);
  CHECK(manifest_of(increment).at("chain").at("base") == 1);
  CHECK(collector.ctl({"verify", full}).exit == 0);
  CHECK(collector.ctl({"verify", increment}).exit == 0);
  CHECK(read_lines(collector.snapshot({"--since", "snapshot:2"}) / kEvents).empty());
}

TEST_CASE("what no increment can follow is refused, with what to do instead") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.sample(10));
  collector.snapshot({"--since", "time:2024-10-27T03:33:20Z"});
  collector.snapshot({"--format", "npy"});
  const fs::path full = collector.snapshot();
  const auto refused = [&](const std::string& since, const Arguments& more = {}) {
    Arguments arguments = {"export", "--since", since};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = collector.ctl(arguments);
    CHECK(ran.exit != 0);
    return ran.err;
  };
  CHECK(refused("snapshot:1").find("it does not have all events") != std::string::npos);
  CHECK(refused("snapshot:2").find("it does not have all events") != std::string::npos);
  CHECK(refused("snapshot:9").find("there is no snapshot 9") != std::string::npos);
  CHECK(refused("snapshot:").find("since snapshot:") != std::string::npos);
  CHECK(refused("cursor:c1:1:2").find("since cursor:c1:1:2") != std::string::npos);
  CHECK(refused("cursor:c1:1:2:3:4").find("its journal is another one") != std::string::npos);
  const std::string cursor(manifest_of(full).at("range").at("toCursor").as_string());
  const std::string store = cursor.substr(0, cursor.find(':', 3));
  CHECK(refused("cursor:" + store + ":1:999999:0").find("does not reach as far any more") != std::string::npos);
  CHECK(refused("snapshot:3", {"--format", "npy"}).find("decisions.npy is not made of what has changed") != std::string::npos);
  CHECK(collector.ask({"status"}).at("health") == "ok");
  CHECK(collector.ctl({"export", "--since", "cursor:" + cursor}).exit == 0);
  CHECK_FALSE(fs::exists(place.exports() / "00000000000000000005"));
}

TEST_CASE("a finished task is in a published increment within 5 s, when so configured") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"interval": "1s", "increments": 1000})"));
  place.replay(place.sample(1000));
  REQUIRE(wait_until([&] { return fs::exists(place.exports() / "latest"); }));
  const auto is_in = [&](const std::string& task) {
    const fs::path newest = fs::canonical(place.exports() / "latest");
    for (const json::object& event : read_lines(newest / kEvents))
      if (event.at("type") == "task-execution" && event.at("taskId") == json::string(task)) return true;
    return false;
  };
  std::chrono::milliseconds fastest = 1h;
  for (int n = 0; n < 3; ++n) {
    const std::string task = "t-" + std::to_string(n);
    const fs::path line = place.write("finished.jsonl", event_line("task-execution", kTime,
                                                                   R"({"executionId":")" + task + R"(","taskId":")" + task +
                                                                       R"(","agentId":"a","outcome":{"success":true}})"));
    const auto recorded_at = std::chrono::steady_clock::now();
    place.replay(line);
    REQUIRE(wait_until([&] { return is_in(task); }));
    fastest = std::min(fastest, std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - recorded_at));
  }
  MESSAGE("the fastest of three took " << fastest.count() << " ms");
  CHECK(fastest < 5s * kPatience);
}

TEST_CASE("a chain of snapshots verifies, and a lost, an unordered, a foreign or a doubled one is noticed") {
  Place place;
  Collector collector(place, plain_config());
  std::vector<std::string> chain;
  for (int n = 0; n < 4; ++n) {
    place.replay(place.sample(5), {"--time", "now"});
    chain.push_back(collector.snapshot(n == 0 ? Arguments{} : Arguments{"--since", "snapshot:" + std::to_string(n)}));
  }
  const auto says = [&](const std::vector<std::string>& directories) {
    Arguments arguments = {"verify"};
    arguments.insert(arguments.end(), directories.begin(), directories.end());
    const Ran ran = collector.ctl(arguments);
    CHECK((ran.exit == 0) == ran.err.empty());
    return ran.err;
  };
  CHECK(says(chain) == "");
  CHECK(says({chain[1]}) == "");
  CHECK(says({chain[0], chain[1], chain[3]}).find("snapshot 4: begins at c1:") != std::string::npos);
  CHECK(says({chain[0], chain[2], chain[1], chain[3]}).find("snapshot 3: begins at c1:") != std::string::npos);
  CHECK(says({chain[1], chain[2]}).find("snapshot 2: is an increment") != std::string::npos);
  CHECK(says({chain[0], chain[0]}).find("snapshot 1: is a full one") != std::string::npos);

  // Two full ones that reach equally far, once nothing is recorded any more: an increment follows the one that it was made after.
  const auto reach = [](const std::string& directory) { return manifest_of(directory).at("range").at("toCursor"); };
  int number = 6;
  std::string one = collector.snapshot(), twin = collector.snapshot();
  for (; reach(one) != reach(twin) && number < 50; ++number) one = std::exchange(twin, collector.snapshot());
  REQUIRE(reach(one) == reach(twin));
  const std::string next = collector.snapshot({"--since", "snapshot:" + std::to_string(number - 1)});
  CHECK(says({one, next}) == "");
  CHECK(says({twin, next}).find("follows another snapshot than " + std::to_string(number)) != std::string::npos);
}

TEST_CASE("with export.increments full snapshots and increments take turns, and none goes that a kept one builds on") {
  Place place;
  Collector collector(place, plain_config(R"("export": {"interval": null, "increments": 2, "keep": 1})"));
  std::vector<std::int64_t> positions;
  for (std::uint64_t n = 1; n <= 5; ++n) {
    place.replay(place.sample(3), {"--time", "now"});
    ::kill(collector.pid(), SIGUSR1);
    const std::string digits = std::to_string(n);
    const fs::path made = place.exports() / (std::string(20 - digits.size(), '0') + digits);
    REQUIRE(wait_until([&] { return fs::exists(made); }));
    positions.push_back(manifest_of(made).at("chain").at("position").as_int64());
  }
  CHECK(positions == std::vector<std::int64_t>{0, 1, 2, 0, 1});
  std::vector<std::string> left;
  CHECK(wait_until([&] {
    left.clear();
    for (const auto& entry : fs::directory_iterator(place.exports())) left.push_back(entry.path().filename().string());
    std::sort(left.begin(), left.end());
    return left == std::vector<std::string>{"00000000000000000004", "00000000000000000005", "latest"};
  }));
}

}  // namespace arbiter::test
