// The power goes at any moment of a real collector's run: what the disk may then hold, by what had been synced and what had not, is built
// and recovered. See power_disk.hpp for what a disk may do, power_recovery.cpp for what has to hold.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <arbiter/producer.hpp>
#include <iostream>
#include <set>
#include <thread>

#include "shm/segment.hpp"
#include "tests/crash/power_recovery.hpp"
#include "tests/process/harness.hpp"

namespace arbiter::power {
namespace {

using namespace test;

// --- a run, recorded

class Recorded {
 public:
  explicit Recorded(Place& place) : place_(place), disk_(place.root() / "disk"), log_(place.root() / "power.log") {
    fs::create_directory(disk_);
    config_ = place.write("collector.json", std::string("{") + kNoRetention + "," + kNoAnonymization + R"(,
      "journal": {"segment_bytes": "1MiB", "sync": "15ms"}, "export": {"interval": null, "keep": 2}})");
  }

  void start() {
    collector_.emplace(place_.start("arbiter-collector",
                                    {"--config", config_, "--ring-dir", place_.lanes(), "--state-dir", disk_ / "state", "--export-dir",
                                     disk_ / "exports", "--socket", place_.socket()},
                                    {{"LD_PRELOAD", POWER_RECORDER}, {"ARBITER_RECORD_ROOT", disk_}, {"ARBITER_RECORD_LOG", log_}}));
    REQUIRE(wait_until([&] { return place_.run("arbiterctl", {"status"}).exit == 0; }));
  }
  void end(int signal) {
    collector_->signal(signal);
    REQUIRE(collector_->wait() == (signal == SIGKILL ? 128 + SIGKILL : 0));
  }

  json::value ctl(Arguments arguments) {
    arguments.insert(arguments.begin(), "--json");
    const Ran ran = place_.run("arbiterctl", arguments);
    REQUIRE_MESSAGE(ran.exit == 0, ran.err);
    return json::parse(ran.out);
  }
  void mark(const std::string& text) {
    LogRecord record{LogRecord::kMagic, Call::mark, 0, 0, static_cast<std::uint32_t>(text.size()), 0, 0};
    const std::string bytes = std::string(reinterpret_cast<const char*>(&record), sizeof record) + text;
    const int fd = ::open(log_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const bool written = ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
    ::close(fd);
    REQUIRE(written);
  }
  void publish() { mark("published " + std::to_string(ctl({"export", "--wait"}).at("number").to_number<std::uint64_t>())); }

  const fs::path& disk() const { return disk_; }
  std::string log() const { return read_file(log_); }

 private:
  Place& place_;
  fs::path disk_, log_, config_;
  std::optional<Process> collector_;
};

// A lane of this process, and what the collector acknowledges in it.
class OwnLane {
 public:
  explicit OwnLane(const fs::path& lanes) : producer_(ProducerOptions{.ring_dir = lanes_ = lanes.string()}) {
    REQUIRE(producer_.attach_thread());
    directory_ = ::open(lanes_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const auto& file : fs::directory_iterator(lanes))
      if (auto segment = SegmentReader::attach(directory_, file.path().filename().c_str());
          segment && segment->header().pid == static_cast<std::uint32_t>(::getpid()))
        segment_.emplace(std::move(*segment));
    REQUIRE(segment_.has_value());
  }
  ~OwnLane() { ::close(directory_); }

  void record(int events, std::size_t bytes) {
    const std::string data = R"({"f":")" + std::string(bytes, 'x') + "\"}";
    for (int i = 0; i < events; ++i) {
      REQUIRE(producer_.record(Event{.type = "power", .data = data}).recorded());
      ++recorded_;
    }
  }
  // What `arbiterctl status` could be told: all of it is acknowledged.
  std::string wait_for_acknowledgement() {
    REQUIRE(wait_until([&] { return segment_->lane(0).acknowledged_events() == recorded_; }));
    return "acknowledged " + event_id({segment_->id(), 0}, 0) + " " + std::to_string(recorded_);
  }

 private:
  std::string lanes_;
  Producer producer_;
  int directory_ = -1;
  std::optional<SegmentReader> segment_;
  std::uint64_t recorded_ = 0;
};

// Everything that writes files: rotation into new and into used segments, sealing, checkpoints, three exports of which the oldest goes,
// frames that are synced one by one, retention, a kill and a recovery, a clear, a clean stop.
void run_collector(Place& place, Recorded& recorded) {
  recorded.start();
  OwnLane lane(place.lanes());
  place.replay(place.sample(30));
  recorded.publish();
  for (int i = 0; i < 3; ++i) {
    lane.record(25, 20'000);
    recorded.ctl({"flush"});
    std::this_thread::sleep_for(20ms);
  }
  recorded.publish();
  lane.record(60, 20'000);
  recorded.ctl({"flush"});
  recorded.publish();
  recorded.ctl({"config", "set", "journal.sync=always"});
  for (int i = 0; i < 5; ++i) {
    lane.record(4, 100);
    recorded.mark(lane.wait_for_acknowledgement());
  }
  recorded.mark("limit 40");
  recorded.ctl({"config", "set", "retention.max_events=40"});
  for (int i = 0; i < 4; ++i) {
    lane.record(20, 20'000);
    recorded.mark(lane.wait_for_acknowledgement());
    recorded.ctl({"stats"});
  }
  recorded.end(SIGKILL);

  recorded.start();
  lane.record(30, 20'000);
  recorded.ctl({"flush"});
  recorded.publish();
  place.replay(place.sample(5));
  recorded.ctl({"clear", "--yes"});
  lane.record(10, 1000);
  recorded.ctl({"flush"});
  recorded.publish();
  recorded.end(SIGTERM);
}

// --- every moment of it

// Syncs that are taken for ones that did nothing: of files or of directories, whose path begins so.
struct Forgotten {
  const char* below;
  bool files, directories;

  bool is(const Entry& e, const Disk& disk) const {
    if (e.record.call != Call::sync_begin && e.record.call != Call::sync_end) return false;
    const auto node = disk.at(e.path);
    const bool directory = node != nullptr && node->kind == Disk::Node::Kind::directory;
    return (directory ? directories : files) && e.path.starts_with(below);
  }
};

struct Explored {
  std::uint64_t calls = 0, syncs = 0, cuts = 0, states = 0;
  std::vector<std::string> wrong;
};

struct Exploring {
  const std::vector<Entry>& entries;
  const fs::path& root;  // where states are made
  std::optional<Forgotten> forgotten{};
  unsigned by_chance = 3;       // states by chance, at each call
  unsigned exhaustive_max = 4;  // open questions at a sync up to which every answer is tried
  std::size_t wrong_max = 1;
  std::function<void(const Disk::Tree&, const Truth&)> also;  // for each state that is new

  Explored run() {
    Disk disk, honest;
    Truth truth;
    Explored done;
    std::set<std::size_t> seen;
    for (std::size_t i = 0; i < entries.size() && done.wrong.size() < wrong_max; ++i) {
      const Entry& e = entries[i];
      disk.apply(e, !forgotten || !forgotten->is(e, honest));
      honest.apply(e);
      truth.apply(e, honest);
      ++done.calls;
      if (e.record.call == Call::mark) continue;
      const bool sync = e.record.call == Call::sync_begin || e.record.call == Call::sync_end;
      done.syncs += e.record.call == Call::sync_end;
      ++done.cuts;
      std::vector<Choice> choices;
      for (unsigned n = 0; n < by_chance; ++n) choices.push_back({Fate::chance, std::mt19937_64(1000 * i + n)});
      if (sync || i % 5 == 0)
        for (const Fate fate : {Fate::lost, Fate::names_only, Fate::data_only, Fate::kept}) choices.push_back({fate});
      if (const unsigned open = sync ? disk.open_questions() : exhaustive_max + 1; open <= exhaustive_max)
        for (std::uint64_t kept = 0; kept < 1u << open; ++kept) choices.push_back({Fate::chosen, {}, kept});
      for (Choice& choice : choices) check(disk, truth, choice, i, seen, done);
    }
    for (const std::string& what : truth.broken()) done.wrong.push_back(what);
    return done;
  }

  void check(const Disk& disk, const Truth& truth, Choice& choice, std::size_t call, std::set<std::size_t>& seen, Explored& done) const {
    const std::uint64_t kept = choice.kept;
    const Disk::Tree tree = disk.after_cut(choice);
    std::size_t hash = truth.promised() * 31 + truth.published();  // the same files may be too little later on
    for (const auto& [name, data] : tree)
      hash = (hash * 0x9e3779b97f4a7c15 + std::hash<std::string>()(name)) ^ std::hash<std::string>()(data);
    if (!seen.insert(hash).second) return;
    ++done.states;
    write_tree(tree, root);
    for (const std::string& what : recover_and_check(root, truth)) {
      const Entry& e = entries[call];
      done.wrong.push_back("power cut after call " + std::to_string(call) + " (" + std::to_string(static_cast<unsigned>(e.record.call)) +
                           " " + std::string(e.path) + " " + std::string(e.other) + "), fate " +
                           std::to_string(static_cast<unsigned>(choice.fate)) + " kept " + std::to_string(kept) + ": " + what);
    }
    if (also) also(tree, truth);
  }
};

std::string listed(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += "\n  " + line;
  return all;
}

// What a user would do on the morning after: start it, ask, export, verify, stop.
void check_with_collector(const Disk::Tree& tree, const Truth& truth) {
  Place place;
  write_tree(tree, place.root());  // also `state` and `exports`: where Collector has them
  Collector collector(place, plain_config());
  for (const auto& entry : fs::directory_iterator(place.root() / "exports"))
    CHECK_MESSAGE(!entry.path().filename().string().starts_with(".building"), entry.path());
  if (fs::exists(fs::symlink_status(place.exports() / "latest")))
    CHECK(place.run("arbiterctl", {"verify", place.exports() / "latest"}).exit == 0);
  const json::object stats = collector.stats();
  const auto recorded = stats.at("lifetime").at("recordedEvents").to_number<std::uint64_t>();
  CHECK(recorded >= truth.after(truth.promised()).events_so_far);
  CHECK(recorded <= truth.after(truth.written()).events_so_far);
  CHECK(collector.ask({"status"}).at("health") == "ok");
  const fs::path snapshot = collector.snapshot();
  CHECK(place.run("arbiterctl", {"verify", snapshot}).exit == 0);
  CHECK(read_lines(snapshot / "events.jsonl.zst").size() == stats.at("retainedEvents").to_number<std::uint64_t>());
  CHECK(collector.stop() == 0);
}

}  // namespace

TEST_CASE("whatever a power cut leaves of a run, what was synced is recovered, once, and no half snapshot is visible") {
  Place place;
  Recorded recorded(place);
  run_collector(place, recorded);
  const std::string log = recorded.log();
  const std::vector<Entry> entries = read_log(log);

  // The record is all of it: replayed, it gives the files that are there.
  Disk all;
  for (const Entry& e : entries) all.apply(e);
  const Disk::Tree replayed = all.live(), real = read_tree(recorded.disk());
  for (const auto& file : real) CHECK_MESSAGE((replayed.contains(file.first) && replayed.at(file.first) == file.second), file.first);
  CHECK(replayed.size() == real.size());

  Place states;  // on tmpfs, where there is one
  const fs::path root = states.lanes().parent_path() / "state";
  std::uint64_t also = 0;
  Exploring exploring{.entries = entries, .root = root, .wrong_max = 20};
  exploring.also = [&](const Disk::Tree& tree, const Truth& truth) {
    if (++also % 150 == 0) check_with_collector(tree, truth);
  };
  const Explored explored = exploring.run();
  CHECK_MESSAGE(explored.wrong.empty(), listed(explored.wrong));
  std::cout << "power loss: " << explored.calls << " calls, of which " << explored.syncs << " syncs; " << explored.cuts << " cuts, "
            << explored.states << " states recovered\n";

  // The same must go wrong when syncs are left out, whichever.
  for (const Forgotten forgotten :
       {Forgotten{"/", true, true}, Forgotten{"/state/#", true, false}, Forgotten{"/state/journal/", true, false},
        Forgotten{"/state/journal", false, true}, Forgotten{"/exports/.building", true, false}, Forgotten{"/exports", false, true}}) {
    Exploring control{.entries = entries, .root = root, .forgotten = forgotten};
    const Explored caught = control.run();
    const std::string which =
        std::string(forgotten.files ? forgotten.directories ? "all syncs" : "syncs of files" : "syncs of directories") + " below " +
        forgotten.below;
    CHECK_MESSAGE(!caught.wrong.empty(), which << " can be forgotten, and nothing is noticed");
    std::cout << "without the " << which << ": noticed after " << caught.states << " states" << listed(caught.wrong) << "\n";
  }
}

}  // namespace arbiter::power
