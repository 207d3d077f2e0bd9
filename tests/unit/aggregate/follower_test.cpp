#include "collector/aggregate/follower.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal::test;
using aggregate::Follower;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kStart = 1'800'000'000 * kSecond;

// Remembers what it is told, in words.
class Listener final : public aggregate::Observer {
 public:
  std::vector<std::string> heard;
  aggregate::Moment last;

  void event(const aggregate::Followed& e) override {
    heard.push_back(std::to_string(e.values.sequence) + (e.whom.agent == aggregate::kNobody ? " of nobody" : ""));
  }
  void completed(const aggregate::Completed& late) override {
    heard.push_back("late " + std::to_string(late.duration_ns) + " at " + std::to_string(late.time_ns - kStart));
  }
  void forgotten_series(std::uint32_t) override {}
  void forgotten_agent(std::uint32_t) override {}
  void cleared() override { heard.clear(); }
  void moment(const aggregate::Moment& moment) override { last = moment; }
  std::string_view name() const override { return "listener"; }
  void save(const std::function<void(std::string_view)>& out) const override {
    for (const std::string& one : heard) out(one + "\n");
  }
  bool load(std::string_view bytes) override {
    heard.clear();
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1))
      heard.emplace_back(bytes.substr(0, end));
    return bytes.empty();
  }
};

// A journal, and followers of it that come and go.
struct Scene {
  TempDir dir;
  Recorder participant;
  std::unique_ptr<journal::Journal> journal;
  std::uint64_t sequence = 0;
  std::vector<std::string> warnings;

  explicit Scene(std::uint64_t segment_bytes = 1 << 20) {
    journal::Options options;
    options.directory = dir.journal();
    options.segment_bytes = segment_bytes;
    options.sync = journal::SyncPolicy::never;
    journal = open(options, participant);
  }
  journal::EventRef record(const event::Values& v) {
    participant.settle(lane(1), v);
    return journal->append(lane(1), v);
  }
  journal::EventRef execution_at(std::int64_t second, std::optional<std::int64_t> started_ns) {
    return record(execution(++sequence, kStart + second * kSecond, true, started_ns));
  }
  void commit() { must(journal->commit()); }
  std::string checkpoint() const { return dir.path() + "/figures"; }
  // From the checkpoint to the end, and a checkpoint there.
  Listener follow() {
    Listener listener;
    Follower follower(
        {[&] { return journal->committed_frame(); }, [&](std::uint64_t frame) { return Result<journal::Increment>(journal->since(frame)); },
         [](std::uint64_t) { return true; },
         [] {
           return Follower::Times{kStart, kStart};
         },
         [&](const std::string& warning) { warnings.push_back(warning); }},
        {.checkpoint = checkpoint()});
    follower.add(listener);
    follower.load();
    follower.finish([&](std::uint64_t frame) { return journal->since(frame); });
    return listener;
  }
};

using Heard = std::vector<std::string>;

}  // namespace

TEST_CASE("a follower hands on each committed event once, whenever it comes, and goes on behind its checkpoint") {
  Scene scene;
  scene.execution_at(1, kStart);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1"});
  CHECK(scene.follow().heard == Heard{"1"});
  scene.execution_at(2, kStart);
  scene.execution_at(3, kStart);
  scene.commit();
  scene.execution_at(4, kStart);  // not committed
  const Listener listener = scene.follow();
  CHECK(listener.heard == Heard{"1", "2", "3"});
  CHECK(listener.last.frame == 2);
  CHECK_FALSE(listener.last.behind);
}

TEST_CASE("a start that comes after its completion is handed on as such, also after a restart in between") {
  Scene scene;
  const journal::EventRef orphan = scene.execution_at(5, std::nullopt);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1"});
  event::Values patch = head(Kind::task_execution, 1, kStart + 5 * kSecond);
  patch.set_time(journal::field::kStarted, kStart + 3 * kSecond);
  scene.journal->amend(orphan, patch);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1", "late 2000000000 at 5000000000"});
}

TEST_CASE("an execution of nobody, which no agent records but a file may hold, is handed on, and its start is let go") {
  Scene scene;
  const journal::EventRef of_nobody = scene.record(head(Kind::task_execution, ++scene.sequence, kStart + 5 * kSecond));
  scene.commit();
  event::Values patch = head(Kind::task_execution, 1, kStart + 5 * kSecond);
  patch.set_time(journal::field::kStarted, kStart + 3 * kSecond);
  CHECK(scene.follow().heard == Heard{"1 of nobody"});
  scene.journal->amend(of_nobody, patch);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1 of nobody"});
  CHECK(scene.warnings.empty());  // the checkpoint was one
}

TEST_CASE("what is followed is the same after sealing, and without the checkpoint") {
  Scene scene(1 << 16);
  Heard expected;
  for (int i = 0; i < 3000; ++i) {
    scene.execution_at(i, kStart);
    expected.push_back(std::to_string(i + 1));
    if (i % 10 == 9) scene.commit();
    if (i == 1500) CHECK(scene.follow().heard.size() == 1500);
  }
  CHECK(scene.follow().heard == expected);
  must(scene.journal->close());
  std::filesystem::remove(scene.checkpoint());
  const Listener listener = scene.follow();
  CHECK(listener.heard == expected);
  CHECK(listener.last.complete_from_ns == scene.journal->statistics().collection_started_ns);
  CHECK(scene.warnings.empty());
}

TEST_CASE("nothing is missed where the follower comes just when a segment has been begun") {
  Scene scene(1 << 16);
  for (int i = 0; i < 2000; ++i) {
    scene.execution_at(i, kStart);
    if (i % 10 != 9) continue;
    scene.commit();
    const Listener listener = scene.follow();
    REQUIRE(listener.heard.size() == static_cast<std::size_t>(i) + 1);
    REQUIRE(listener.last.complete_from_ns == scene.journal->statistics().collection_started_ns);
  }
  CHECK(scene.journal->statistics().segments >= 3);
}

TEST_CASE("a clear is followed, and takes the checkpoint with it") {
  Scene scene;
  scene.execution_at(1, kStart);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1"});
  must(scene.journal->clear());
  const Listener listener = scene.follow();
  CHECK(listener.heard.empty());
  CHECK(listener.last.complete_from_ns == scene.journal->statistics().collection_started_ns);
  scene.execution_at(2, kStart);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"2"});
}

TEST_CASE("a checkpoint that is damaged, or of another journal, counts for nothing") {
  Scene scene;
  scene.execution_at(1, kStart);
  scene.commit();
  CHECK(scene.follow().heard == Heard{"1"});
  const auto damage = [&](auto change) {
    std::string bytes = *journal::read_file(scene.checkpoint());
    change(bytes);
    std::ofstream(scene.checkpoint(), std::ios::binary | std::ios::trunc) << bytes;
  };
  damage([](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
  CHECK(scene.follow().heard == Heard{"1"});
  CHECK(scene.warnings.size() == 1);
  damage([](std::string& bytes) { bytes.resize(bytes.size() / 2); });
  CHECK(scene.follow().heard == Heard{"1"});
  damage([](std::string& bytes) { bytes.clear(); });
  CHECK(scene.follow().heard == Heard{"1"});
  Scene other;
  other.execution_at(1, kStart);
  other.execution_at(2, kStart);
  other.commit();
  std::filesystem::copy_file(scene.checkpoint(), other.checkpoint());
  CHECK(other.follow().heard == Heard{"1", "2"});
}
