// How long it takes from a record call until the event is in the statistics: seen in the lane, where the collector acknowledges what it has
// journalled and counted, so that the looking wakes nobody.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "shm/abi.hpp"
#include "tests/bench/filled.hpp"
#include "tests/bench/lag.hpp"
#include "tests/bench/measure.hpp"
#include "tests/bench/modes.hpp"

namespace arbiter::bench {
namespace {

constexpr double kSeconds = 15;
constexpr auto kLookEvery = std::chrono::microseconds(100);  // what looks more often takes the processor from whom it measures
constexpr std::uint64_t kLagNsMax = 10'000'000'000;

// The first lane of this process's segment in a directory, read and never written.
class OwnLane {
 public:
  explicit OwnLane(const std::string& lanes) {
    for (const auto& file : std::filesystem::directory_iterator(lanes)) {
      const int fd = open(file.path().c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      void* const at = mmap(nullptr, abi::kDataOffset, PROT_READ, MAP_SHARED, fd, 0);
      close(fd);
      if (at == MAP_FAILED) continue;
      if (static_cast<const abi::SegmentHeader*>(at)->pid == static_cast<std::uint32_t>(getpid())) {
        base_ = static_cast<const std::byte*>(at);
        return;
      }
      munmap(at, abi::kDataOffset);
    }
  }
  ~OwnLane() {
    if (base_ != nullptr) munmap(const_cast<std::byte*>(base_), abi::kDataOffset);
  }
  OwnLane(const OwnLane&) = delete;
  OwnLane& operator=(const OwnLane&) = delete;

  bool found() const { return base_ != nullptr; }
  // Pairs with the collector's release store of `acknowledged`, before which it stores the count.
  std::uint64_t counted() const {
    const auto& line = reinterpret_cast<const abi::LaneControl*>(base_ + abi::kControlOffset)->collector;
    (void)line.acknowledged.load(std::memory_order_acquire);
    return line.acknowledged_events.load(std::memory_order_relaxed);
  }

 private:
  const std::byte* base_ = nullptr;
};

}  // namespace

Result<Histogram> lags(const std::string& lanes, double seconds, double pause_s) {
  prctl(PR_SET_TIMERSLACK, 1'000UL);
  Producer producer({.ring_dir = lanes});
  Recorder recorder(producer, Load::typical, 77, 0, 1);
  Ids random(static_cast<std::uint64_t>(now_ns()));
  Histogram seen;
  std::optional<OwnLane> lane;
  std::uint64_t recorded = 0;
  const std::uint64_t began = now_ns();
  do {
    sleep_s(pause_s * static_cast<double>(random.random() >> 32) / (1ull << 31));
    const std::uint64_t before = now_ns();
    if (!recorder.record()) return Error{"an event was dropped"};
    ++recorded;
    if (!lane) lane.emplace(lanes);
    if (!lane->found()) return Error{"the lane that was recorded into is not there"};
    while (lane->counted() < recorded) {
      if (now_ns() - before > kLagNsMax) return Error{"the collector did not take an event within 10 s"};
      sleep_for(kLookEvery);
    }
    if (recorded > 1) seen.add(now_ns() - before);  // the first waits for the segment to be found as well
  } while (now_ns() - began < static_cast<std::uint64_t>(seconds * 1e9) || seen.count() < 10);
  return seen;
}

namespace {

void add(Report& report, const std::string& what, const Histogram& seen, double goal_ms) {
  const std::string note = std::to_string(seen.count()) + " events";
  report.add("lag", "recorded -> in the statistics, p50", what, "ms", seen.quantile(0.5) / 1e6).note = note;
  Row& p99 = report.add("lag", "recorded -> in the statistics, p99", what, "ms", seen.quantile(0.99) / 1e6);
  p99.goal = goal_ms;
  p99.note = note;
  report.add("lag", "recorded -> in the statistics, most", what, "ms", static_cast<double>(seen.max()) / 1e6).note = note;
}

}  // namespace

Result<void> lag(const Setting& setting, Report& report) {
  const double seconds = setting.seconds_of(kSeconds);
  {
    auto collector = RunningCollector::start(setting, kRetainAll);
    if (!collector) return collector.error();
    const auto seen = lags(collector->lanes(), seconds, 0.2);
    if (!seen) return seen.error();
    add(report, "idle", *seen, 100);
    const auto delivered = collector->delivered();
    if (!delivered) return delivered.error();
    if (*delivered != seen->count() + 1) return Error{"the statistics say " + std::to_string(*delivered) + " events"};
  }
  auto collector = RunningCollector::start(setting, R"({"export": {"interval": null}})");
  if (!collector) return collector.error();
  const auto crowd =
      Crowd::start({.lanes = collector->lanes(), .processes = 2, .threads = 2, .events_per_s = 1e6, .load = Load::typical, .agents = 100});
  if (!crowd) return crowd.error();
  const auto seen = lags(collector->lanes(), seconds, 0.002);
  if (!seen) return seen.error();
  add(report, "a million a second", *seen, 10);
  return {};
}

}  // namespace arbiter::bench
