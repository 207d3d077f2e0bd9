// As many lanes as anybody pleases to have: the table of a segment may be larger than the segment was to be.
#include "fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

TEST_CASE("a table larger than a segment does not make every commit a rotation") {
  TempDir dir;
  Options options;
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
