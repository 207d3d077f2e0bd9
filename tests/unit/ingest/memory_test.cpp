// Memory that runs out at the door: whoever asked is told, and the next who does finds everything as it was.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "collector/ingest/clock_file.hpp"
#include "collector/ingest/lanes.hpp"
#include "shm/segment.hpp"
#include "tests/unit/memory_refused.hpp"
#include "tests/unit/said.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using ingest::Lanes;
using ingest::Timeline;
using test::OwnDirectory;
using test::refuse_each_allocation;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kDay = 86'400 * kSecond;

}  // namespace

TEST_CASE("whichever allocation fails while the clock is saved or read, it is as it was saved or as if it had not been, and read at last") {
  const OwnDirectory d;
  const std::string path = d.lanes() + "/clock";
  Timeline timeline;
  timeline.resume({ingest::read_clocks().unix_ns - kDay, 0, 0}, 0);
  REQUIRE(ingest::save(timeline, path).has_value());
  const auto resumed = [&] {
    Timeline t(ingest::read_clocks(), 0.5);
    ingest::resume(t, path);
    return t.saved().lag_ns;
  };
  const auto is_a_day = [](std::int64_t lag) { return std::abs(lag - kDay) < kSecond; };
  CHECK(refuse_each_allocation([&] { static_cast<void>(ingest::save(timeline, path)); },
                               [&] { CHECK((resumed() == 0 || is_a_day(resumed()))); }) >= 3);
  REQUIRE(is_a_day(resumed()));
  std::int64_t lag = -1;
  test::said(
      [&] { CHECK(refuse_each_allocation([&] { lag = resumed(); }, [&] { CHECK((lag == -1 || lag == 0 || is_a_day(lag))); }) >= 3); });
  CHECK(is_a_day(lag));
  // What cannot be read is not believed, however little memory there is to say so; each figure by itself.
  std::string word, version, boot, space;
  std::ifstream(path) >> word >> version >> boot >> space;
  const std::string words = word + " " + version + " " + boot + " " + space;
  for (const char* figures : {" -1 5 5 5", " 1 -5 5 5", " 1 5 -5 5", " 1 5 5 -5", " 1 5 5 9000000000000000000", " 1 5 5"}) {
    CAPTURE(figures);
    std::ofstream(path) << words << figures << '\n';
    lag = 0;
    test::said([&] { refuse_each_allocation([&] { lag = resumed(); }, [&] { CHECK(lag == 0); }); });
  }
  // Of another boot, of another name space of clocks, of a time to come: what was held is held as long as was left.
  const std::int64_t now = ingest::read_clocks().unix_ns;
  const std::string figures = " " + std::to_string(now) + " " + std::to_string(kDay) + " " + std::to_string(kDay) + "\n";
  for (const std::string& before : {"arbiter-clock 1 another-boot " + space + " 1", "arbiter-clock 1 " + boot + " time:[1] 1",
                                    std::string("arbiter-clock 1 - - 1"), words + " 4000000000000000000"}) {
    CAPTURE(before);
    std::ofstream(path) << before << figures;
    CHECK(resumed() == kDay);
  }
}

TEST_CASE("whichever allocation fails while the lanes are looked through, the next to look finds each segment, and each that is none") {
  const OwnDirectory d;
  const auto segment = SegmentWriter::create(d.lanes(), false).value();
  const std::string name = "lanes-00112233445566778899aabbccddee";
  std::ofstream(d.lane("a file that is nobody's segment")) << "x";
  std::ofstream(d.lane(name + "01")) << "no header";
  fs::create_directory(d.lane(name + "02"));
  fs::create_symlink("/etc/passwd", d.lane(name + "03"));
  REQUIRE(mkfifo(d.lane(name + "04").c_str(), 0666) == 0);
  std::size_t sources = 0;
  std::uint64_t refused = 0;
  int failed = 0;
  test::said([&] {
    failed = refuse_each_allocation(
        [&] {
          auto lanes = Lanes::open(d.lanes(), false, 10);
          if (!lanes) return;
          lanes->scan(false);
          sources = lanes->sources().size();
          refused = lanes->refused_files();
        },
        [&] { CHECK(segment.still_linked()); });
  });
  CHECK(failed >= 20);
  CHECK(sources == 1);
  CHECK(refused == 5);
}

TEST_CASE("with no room for another segment that is said, with the limit that is in the way, and each file that is none is left alone") {
  const OwnDirectory d;
  const auto one = SegmentWriter::create(d.lanes(), false).value(), two = SegmentWriter::create(d.lanes(), false).value();
  std::vector<std::string> last;
  const int failed = [&] {
    int n = 0;
    last = test::said([&] {
      n = refuse_each_allocation(
          [&] {
            auto lanes = Lanes::open(d.lanes(), false, 1);
            if (lanes) lanes->scan(false);
          },
          [] {});
    });
    return n;
  }();
  CHECK(failed >= 10);
  REQUIRE_FALSE(last.empty());
  CHECK(last.back().find("1 segments are attached: the others wait: raise limits.max_producers") != std::string::npos);
}
