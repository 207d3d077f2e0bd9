// As many lanes as anybody pleases to have: the table of a segment may be larger than the segment was to be.
#include <filesystem>
#include <random>

#include "fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

TEST_CASE("a table larger than a segment does not make every commit a rotation") {
  TempDir dir;
  Options options;
  options.keys = test_keys();
  options.directory = dir.journal();
  options.segment_bytes = 1 << 20;
  options.sync = SyncPolicy::never;
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

TEST_CASE("a state of megabytes, given in pieces of any length, is there at the next start; one that is not the same twice is refused") {
  struct Large final : Participant {
    std::string state, loaded;
    mutable std::size_t asked = 0;
    bool grows = false;
    void save(const std::function<void(std::string_view)>& out) const override {
      ++asked;
      for (std::size_t at = 0, piece = 1; at < state.size(); at += piece, piece = piece * 7 % 400'009)
        out(std::string_view(state).substr(at, piece));
      if (grows && asked % 2 == 0) out("x");
    }
    bool load(std::string_view bytes) override { return loaded = bytes, true; }
    void replay(const LaneId&, const event::Values&, const EventRef&) override {}
    void replay_clear() override {}
  } participant;
  std::mt19937_64 random(11);
  participant.state.resize(3'000'001);
  for (char& c : participant.state) c = static_cast<char>(random());
  TempDir dir;
  Options options;
  options.keys = test_keys();
  options.directory = dir.journal();
  options.segment_bytes = 1 << 20;
  options.sync = SyncPolicy::never;
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

  TempDir other;
  options.directory = other.journal();
  participant.grows = true;
  participant.asked = 0;
  const auto refused = Journal::open(options, participant);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("the state of the open executions changed while it was written") != std::string::npos);
}
