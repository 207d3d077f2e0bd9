// As many lanes as anybody pleases to have: the table of a segment may be larger than the segment was to be.
#include <deque>
#include <filesystem>
#include <fstream>
#include <random>

#include "fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

TEST_CASE("a table larger than a segment does not make every commit a rotation") {
  TempDir dir;
  Options options = options_in(dir, 1 << 20);
  constexpr std::uint32_t kLanes = 8000;  // 224 bytes each in the table
  {
    Recorder recorder;
    auto journal = open(options, recorder);
    for (std::uint32_t n = 0; n < kLanes; ++n) journal->open_lane(lane(1, n), {});
    must(journal->commit());
    const std::uint64_t before = journal->statistics().segments;
    for (std::uint64_t sequence = 1; sequence <= 200; ++sequence) {
      put(*journal, lane(1), generic(sequence, 1'000'000'000, "x", "{}"), &recorder);
      must(journal->commit());
    }
    CHECK(journal->statistics().segments <= before + 1);
    must(journal->close());
  }
  Recorder again;
  auto journal = open(options, again);
  CHECK(again.events == 200);
  CHECK(journal->lanes().size() == kLanes);
  CHECK(journal->statistics().retained.events() == 200);
}

TEST_CASE("a state of megabytes, given in pieces of any length, is there at the next start") {
  struct Large final : Participant {
    std::string state, loaded;
    void save(const Out& out) const override {
      for (std::size_t at = 0, piece = 1; at < state.size(); at += piece, piece = piece * 7 % 400'009)
        out(std::string_view(state).substr(at, piece));
    }
    bool load(std::string_view bytes) override { return loaded = bytes, true; }
    void replay(const LaneId&, const event::Values&, const EventRef&) override {}
    void replay_clear() override {}
  } participant;
  std::mt19937_64 random(11);
  participant.state.resize(3'000'001);
  for (char& c : participant.state) c = static_cast<char>(random());
  TempDir dir;
  Options options = options_in(dir, 1 << 20);
  { const auto journal = open(options, participant); }  // killed
  participant.loaded.clear();
  {
    const auto journal = open(options, participant);
    CHECK(participant.loaded == participant.state);
    must(journal->close());  // sealed
  }
  std::filesystem::remove(dir.journal() + "/checkpoint");
  participant.loaded.clear();
  { const auto journal = open(options, participant); }
  CHECK(participant.loaded == participant.state);
}

namespace {

// Numbers of all events, each with some ballast; the oldest leave. It tells them in slices: those that have left meanwhile as well.
struct Sliced final : Participant {
  static constexpr std::size_t kBallast = 1000, kMost = 3000;
  std::deque<std::uint64_t> numbers, untold;
  std::size_t slices = 0, largest = 0, at_the_end = 0;
  int begun = 0, finished = 0, given_up = 0;

  void settle(std::uint64_t number) {
    numbers.push_back(number);
    untold.push_back(number);
    if (numbers.size() > kMost) numbers.pop_front();
  }
  std::size_t tell(const Out& out, std::size_t most) {
    std::size_t bytes = 0;
    for (; !untold.empty() && bytes < most; untold.pop_front(), bytes += kBallast) {
      std::string told = std::to_string(untold.front());
      told.resize(kBallast);
      out(told);
    }
    return bytes;
  }
  std::uint64_t saved_bytes() const override { return numbers.size() * kBallast; }
  void begin_saving(const Out&) override { untold = numbers, ++begun; }
  bool save_some(const Out& out, std::size_t bytes) override {
    ++slices;
    largest = std::max(largest, tell(out, bytes));
    return untold.empty();
  }
  void finish_saving(const Out& out) override { at_the_end = std::max(at_the_end, tell(out, SIZE_MAX)), ++finished; }
  void give_up_saving() override { ++given_up; }
  void save(const Out& out) const override {
    Sliced copy = *this;
    copy.begin_saving(out);
    copy.finish_saving(out);
  }
  bool load(std::string_view bytes) override {
    numbers.clear();
    for (; bytes.size() >= kBallast; bytes.remove_prefix(kBallast)) settle(std::stoull(std::string(bytes.substr(0, 20))));
    return bytes.empty();
  }
  void replay(const LaneId&, const event::Values& stored, const EventRef&) override { settle(stored.sequence); }
  void replay_clear() override { numbers.clear(); }
};

}  // namespace

TEST_CASE("a large state is written in slices while events come, and is whole wherever the writer is killed") {
  TempDir dir;
  Options options = options_in(dir, 8 << 20);
  std::uint64_t sequence = 0;
  int watched = 0;
  std::mt19937 random(5);
  const std::string data = '"' + std::string(900, 'x') + '"';
  for (int life = 0; life < 30; ++life) {
    Sliced participant;
    const auto journal = open(options, participant);
    std::deque<std::uint64_t> expected;
    for (std::uint64_t n = sequence - std::min<std::uint64_t>(sequence, Sliced::kMost) + 1; n <= sequence; ++n) expected.push_back(n);
    REQUIRE(participant.numbers == expected);
    const std::uint64_t until = sequence + 1000 + random() % 20'000;
    for (std::uint64_t segments = journal->statistics().segments, seen = 0; sequence < until;) {
      for (int n = 0; n < 100; ++n) {
        put(*journal, lane(1), generic(++sequence, 1'000'000'000, "x", data));
        participant.settle(sequence);
      }
      must(journal->commit());
      if (journal->statistics().segments == segments) continue;
      segments = journal->statistics().segments;
      if (++seen > 1) {                 // the first one may have been nearly full when this life began
        CHECK(participant.slices > 7);  // 3 MB, of which four times a frame of 100 kB goes with each
        CHECK(participant.largest < 400'000);
        CHECK(participant.at_the_end < 400'000);  // what came since the last slice
        ++watched;
      }
      participant.slices = participant.largest = participant.at_the_end = 0;
    }
  }
  CHECK(watched > 5);
  Sliced participant;
  const auto journal = open(options, participant);
  CHECK(journal->statistics().segments > 5);
  CHECK(files(options.directory, ".journal.tmp").empty());
  for (int n = 0; files(options.directory, ".journal.tmp").empty(); ++n) {  // to the middle of a saving
    REQUIRE(n < 200);
    put(*journal, lane(1), generic(++sequence, 1'000'000'000, "x", data));
    put(*journal, lane(1), generic(++sequence, 1'000'000'000, "x", data));
    participant.settle(sequence - 1);
    participant.settle(sequence);
    must(journal->commit());
  }
  CHECK(participant.begun == participant.finished + 1);
  must(journal->clear());
  CHECK(participant.given_up == 1);
  CHECK(participant.begun == participant.finished + participant.given_up);
  CHECK(files(options.directory, ".journal.tmp").empty());
  CHECK(journal->statistics().retained.events() == 0);
}

TEST_CASE("a state that is damaged in the newest raw segment is taken from the one before, and the frames since") {
  TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.sync = SyncPolicy::every_frame;
  std::uint64_t sequence = 0;
  Recorder before;
  {
    const auto journal = open(options, before);
    const auto frame = [&] {
      for (int n = 0; n < 10; ++n) put(*journal, lane(1), generic(++sequence, 1'000'000'000, "x"), &before);
      must(journal->commit());
    };
    while (journal->statistics().segments <= 3) frame();
    frame();
    CHECK(journal->reach(journal->committed_frame()));
  }  // killed
  const std::string newest = files(options.directory, ".journal").back();
  std::fstream(newest, std::ios::in | std::ios::out | std::ios::binary).seekp(sizeof(RawHeader) + sizeof(FrameHeader) + 5).put('?');
  for (const char* const says : {": its table is damaged: the state is taken from the segment before, and the frames since", ""}) {
    Recorder after;
    const auto journal = open(options, after);
    CHECK(after == before);
    CHECK(journal->statistics().retained.events() == sequence);
    CHECK(journal->troubles().last_failure == (*says != '\0' ? newest + says : ""));
    CHECK(files(options.directory, ".damaged").empty());
    CHECK(files(options.directory, ".unsynced").empty());
  }  // killed: it has begun another by then
}
