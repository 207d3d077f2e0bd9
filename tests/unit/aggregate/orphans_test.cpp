#include "collector/aggregate/orphans.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <list>
#include <random>
#include <string>

using arbiter::LaneId;
using arbiter::aggregate::Orphans;

namespace {

LaneId lane_of(std::uint32_t lane) {
  LaneId id;
  id.segment.fill(0x5e);
  id.lane = lane;
  return id;
}

// What Orphans is for, as one would write it down: a list, searched from its end.
struct Plain {
  struct Line {
    std::uint32_t lane;
    std::uint64_t sequence;
    Orphans::Orphan orphan;
    bool waits = true;
  };
  std::size_t most;
  std::list<Line> lines;

  void add(std::uint32_t lane, std::uint64_t sequence, const Orphans::Orphan& orphan) {
    lines.push_back({lane, sequence, orphan});
    while (lines.size() > most) lines.pop_front();
  }
  std::optional<Orphans::Orphan> take(std::uint32_t lane, std::uint64_t sequence) {
    for (Line& line : lines)
      if (line.waits && line.lane == lane && line.sequence == sequence) {
        line.waits = false;
        return line.orphan;
      }
    return std::nullopt;
  }
  void forget_series(std::uint32_t series) {
    for (Line& line : lines) line.waits = line.waits && line.orphan.series != series;
  }
  std::size_t size() const {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [](const Line& line) { return line.waits; }));
  }
};

std::string saved(const Orphans& orphans) {
  std::string bytes;
  orphans.save([&](std::string_view piece) { bytes += piece; });
  return bytes;
}

}  // namespace

TEST_CASE("whatever comes, is taken, forgotten and saved in between, those that wait are those of a plain list") {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20; ++round) {
    const std::size_t most = 1 + random() % 300;
    Orphans orphans(most);
    Plain plain{most, {}};
    std::uint64_t sequence = 0;
    const std::uint64_t takes = random() % 3;  // of ten; in some rounds nothing is taken for long
    for (int step = 0; step < 4000; ++step) {
      CAPTURE(step);
      const std::uint64_t what = random() % 1000;
      if (what < 3) {
        const auto series = static_cast<std::uint32_t>(random() % 4);
        orphans.forget_series(series);
        plain.forget_series(series);
      } else if (what < 5) {
        Orphans again(most);
        REQUIRE(again.load(saved(orphans), 4));
        CHECK(saved(again) == saved(orphans));
        orphans = std::move(again);
        std::erase_if(plain.lines, [](const Plain::Line& line) { return !line.waits; });  // a checkpoint has none that were taken
      } else if (what < 5 + 100 * takes) {
        const std::uint64_t wanted = sequence - std::min<std::uint64_t>(sequence, random() % (2 * most));
        const auto lane = static_cast<std::uint32_t>(wanted % 3);
        const auto taken = orphans.take(lane_of(lane), wanted), expected = plain.take(lane, wanted);
        REQUIRE(taken.has_value() == expected.has_value());
        if (taken) CHECK(taken->time_ns == expected->time_ns);
        if (taken) CHECK(taken->series == expected->series);
      } else {
        ++sequence;
        const auto lane = static_cast<std::uint32_t>(sequence % 3);
        const Orphans::Orphan orphan{static_cast<std::uint32_t>(random() % 4), static_cast<std::int64_t>(random())};
        orphans.add(lane_of(lane), sequence, orphan);
        plain.add(lane, sequence, orphan);
      }
      REQUIRE(orphans.size() == plain.size());
    }
  }
}

TEST_CASE("one of another lane, or of another segment, with the same sequence is another") {
  Orphans orphans(10);
  LaneId elsewhere = lane_of(1);
  elsewhere.segment.fill(0x5f);
  orphans.add(lane_of(1), 7, {1, 100});
  orphans.add(lane_of(2), 7, {2, 200});
  orphans.add(elsewhere, 7, {3, 300});
  CHECK(orphans.take(lane_of(2), 7)->time_ns == 200);
  CHECK(orphans.take(elsewhere, 7)->time_ns == 300);
  CHECK(orphans.take(lane_of(1), 7)->time_ns == 100);
  CHECK_FALSE(orphans.take(lane_of(1), 7));
}

TEST_CASE("what is not what was saved is refused, and nothing waits then but what was read") {
  Orphans orphans(10);
  orphans.add(lane_of(1), 7, {1, 100});
  orphans.add(lane_of(1), 8, {2, 200});
  const std::string bytes = saved(orphans);
  Orphans again(10);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(again.load(std::string_view(bytes).substr(0, size), 3));
  CHECK_FALSE(again.load(bytes + '\0', 3));
  CHECK_FALSE(again.load(bytes, 2));  // there is no series 2
  CHECK(again.load(bytes, 3));
  CHECK(again.size() == 2);
}
