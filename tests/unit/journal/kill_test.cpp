// A writer killed at any moment: what it was told is committed is there, once, and the journal goes on.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(1);
constexpr std::uint64_t kRetained = 300;

// What the writer has been told, in memory that outlives it. Release stores by the writer, acquire loads by the test: nothing else is
// shared.
struct Told {
  std::atomic<std::uint64_t> committed;
  std::atomic<std::uint64_t> clearing;  // sequence at which a clear was asked for
};

Options options_in(const TempDir& dir) {
  Options o = options_in(dir, 48 << 10);
  o.sync = SyncPolicy::interval;
  o.sync_interval = std::chrono::milliseconds(1);
  o.retention.max_events = kRetained;
  return o;
}

[[noreturn]] void write_until_killed(const Options& options, Told& told, std::uint64_t seed) {
  Recorder recorder;
  auto opened = Journal::open(options, recorder);
  if (!opened) ::_exit(3);
  Journal& journal = **opened;
  std::mt19937_64 random(seed);
  std::uint64_t n = journal.cursor(kLane) == nullptr ? 0 : journal.cursor(kLane)->sequence;
  while (true) {
    for (std::uint64_t left = 1 + random() % 12; left > 0; --left) {
      ++n;
      const MadeEvent made(execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt));
      static_cast<void>(journal.append(kLane, made.values));
      recorder.settle(kLane, made.values);
    }
    Cursor c;
    c.sequence = c.delivered = n;
    journal.advance(kLane, c);
    if (!journal.commit()) ::_exit(4);
    told.committed.store(n, std::memory_order_release);
    if (random() % 4 == 0) journal.retain(1'000'000);
    if (random() % 40 == 0 && !journal.checkpoint()) ::_exit(5);
    if (random() % 200 == 0) {
      told.clearing.store(n, std::memory_order_release);
      if (!journal.clear()) ::_exit(6);
    }
  }
}

}  // namespace

TEST_CASE("a writer killed at any moment leaves each committed event there once, and nothing half") {
  const TempDir dir;
  const Options options = options_in(dir);
  void* const shared = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(shared != MAP_FAILED);
  Told& told = *new (shared) Told{};
  std::mt19937_64 random(11);
  std::uint64_t last = 0;
  for (int round = 0; round < 60; ++round) {
    CAPTURE(round);
    const std::uint64_t seed = random();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) write_until_killed(options, told, seed);
    // At any moment, also before it is ready; in every other round once it has written.
    for (int ms = 0; round % 2 == 1 && ms < 10'000 && told.committed.load(std::memory_order_acquire) <= last; ++ms) ::usleep(1000);
    ::usleep(static_cast<useconds_t>(2000 + random() % 25'000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    Recorder recorder;
    const auto journal = open(options, recorder);
    const Cursor* const cursor = journal->cursor(kLane);
    const std::uint64_t committed = told.committed.load(std::memory_order_acquire);
    const std::uint64_t n = cursor == nullptr ? 0 : cursor->sequence;
    REQUIRE(n >= committed);
    REQUIRE(n >= last);
    REQUIRE(recorder.events == n);
    journal->retain(1'000'000);
    const Statistics s = journal->statistics();
    REQUIRE(s.lifetime.totals.events() == n);
    REQUIRE(s.damaged_blocks == 0);
    REQUIRE(s.broken_links == 0);
    std::uint64_t first = 0, events = 0, wrong = 0;
    journal->view()->scan({}, [&](const StoredEvent& e) {
      if (events == 0) first = e.values.sequence;
      wrong += e.values.sequence != first + events;
      return ++events, true;
    });
    REQUIRE(wrong == 0);
    REQUIRE(events == s.retained.events());
    if (events != 0) REQUIRE(first + events - 1 == n);
    const std::uint64_t cleared_at = told.clearing.load(std::memory_order_acquire);
    REQUIRE((events == std::min(kRetained, n) || events == std::min(kRetained, n - cleared_at)));
    last = n;
    must(journal->commit());
  }
  CHECK(last >= 30);  // every other round has written something
  ::munmap(shared, sizeof(Told));
}
