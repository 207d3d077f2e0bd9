// Records events and has the drain take them, on one thread, so that callgrind can count what an event takes from its lane to its
// acknowledgement: decode, checks, anonymisation, join, sums, frame, checksum. The kernel's part, and that of the threads behind, is not in
// the figure; nor is what comes once a segment.
//
//   valgrind --tool=callgrind --collect-atstart=no --toggle-collect='*measured_passes*' arbiter-bench-drained DIRECTORY drain
//   callgrind_annotate --inclusive=yes callgrind.out.*         the sum, and each function's part, of 10,000 events
//
// DIRECTORY is new, on tmpfs. (A copy of more than 2 KiB is one instruction a byte to callgrind where the processor has fast strings: of a
// typical event's figure 192 are the copy out of the lane.)
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "collector/service/drain.hpp"
#include "shm/clock.hpp"
#include "tests/bench/load.hpp"
#include "tests/bench/workload.hpp"

// In place of the library's own: see kinds.cpp.
arbiter::abi::ClockSource arbiter::best_clock() noexcept { return abi::ClockSource::tsc; }

namespace arbiter::bench {
namespace {

constexpr std::uint32_t kEvents = 1'000;        // at a time; a lane has room for them
constexpr int kWarm = 13, kCounted = 10;        // times
constexpr std::size_t kOpenExecutions = 4'000;  // fewer than the warm passes take: the oldest go while it is counted

struct Case {
  const char* name;
  bool anonymized;
  bool new_ids;  // never the same twice
  Load load = Load::typical;
};
constexpr Case kCases[] = {
    {"drain", false, false},
    {"drain-new-ids", false, true},
    {"drain-anonymised", true, false},
    {"drain-anonymised-new-ids", true, true},
    {"drain-anonymised-tasks", true, true, Load::tasks},
};

// A collector without its threads.
class Collector {
 public:
  static std::unique_ptr<Collector> open(const std::string& directory, bool anonymized) {
    std::unique_ptr<Collector> made(new Collector);
    if (anonymized) made->anonymizer_ = privacy::Anonymizer(privacy::Rules{}, privacy::IdKey{1});
    auto lanes = ingest::Lanes::open(directory + "/lanes", false, 100);
    journal::Options options;
    options.directory = directory + "/journal";
    options.sync = journal::SyncPolicy::never;
    auto journal = journal::Journal::open(options, made->join_);
    if (!lanes || !journal) {
      std::fprintf(stderr, "arbiter-bench-drained: %s\n", (lanes ? journal.error() : lanes.error()).message.c_str());
      return nullptr;
    }
    made->lanes_.emplace(std::move(*lanes));
    made->journal_ = std::move(*journal);
    made->quarantine_.emplace(directory + "/quarantine", false);
    made->drain_.emplace(*made->lanes_, made->timeline_, made->anonymizer_, made->join_, *made->journal_, *made->quarantine_, options.sync);
    return made;
  }

  service::Drain& drain() { return *drain_; }

 private:
  Collector() = default;

  ingest::Timeline timeline_;
  privacy::Anonymizer anonymizer_;
  join::Join join_{kOpenExecutions};
  std::optional<ingest::Lanes> lanes_;
  std::unique_ptr<journal::Journal> journal_;
  std::optional<ingest::Quarantine> quarantine_;
  std::optional<service::Drain> drain_;
};

}  // namespace

[[gnu::noinline]] void measured_passes(service::Drain& drain) {
  while (drain.pass() == service::Drain::Passed::more) {
  }
}

namespace {

int run(const std::string& directory, const Case& what) {
  const auto collector = Collector::open(directory, what.anonymized);
  if (collector == nullptr) return 1;
  service::Drain& drain = collector->drain();
  Producer producer({.ring_dir = directory + "/lanes"});
  const Typical same_ids{producer};
  Recorder recorder(producer, what.load, 1, 0, 100);
  const auto record = [&] {
    for (std::uint32_t n = 0; n < kEvents; ++n) what.new_ids ? recorder.record() : same_ids.record(n);
  };
  for (int pass = 0; pass < kWarm; ++pass) {
    record();
    if (pass == 0) drain.scan(false);
    while (drain.pass() == service::Drain::Passed::more) {
    }
  }
  const std::uint64_t before = drain.counts().events;
  for (int pass = 0; pass < kCounted; ++pass) {
    record();
    measured_passes(drain);
  }
  const std::uint64_t counted = drain.counts().events - before;
  std::printf("%s: %llu events\n", what.name, static_cast<unsigned long long>(counted));
  return counted == std::uint64_t{kCounted} * kEvents ? 0 : 1;
}

}  // namespace
}  // namespace arbiter::bench

int main(int argc, char** argv) {
  if (argc == 3)
    for (const arbiter::bench::Case& what : arbiter::bench::kCases)
      if (std::strcmp(argv[2], what.name) == 0) return arbiter::bench::run(argv[1], what);
  std::fprintf(stderr, "usage: arbiter-bench-drained DIRECTORY CASE\ncases:");
  for (const arbiter::bench::Case& what : arbiter::bench::kCases) std::fprintf(stderr, " %s", what.name);
  std::fprintf(stderr, "\n");
  return 2;
}
