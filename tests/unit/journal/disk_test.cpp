// What the disk may do: be full, fail, be slow; and what is left on it.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "collector/journal/background.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

// The journal's calls, as the tests want them to go.
namespace {
std::atomic<long> room_left{-1};  // bytes that may still be written; -1: no limit
std::atomic<int> syncs_to_fail{0};
std::atomic<int> syncs{0};
std::atomic<ino_t> failed_inode{0};  // of the file whose sync failed last
std::atomic<int> retries{0};         // syncs of that file since
std::atomic<int> allocated{0};       // files that were given blocks: segments that are not made of spares
}  // namespace
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  const long left = room_left.load();
  if (left >= 0) {
    if (left == 0) return errno = ENOSPC, -1;
    if (n > static_cast<size_t>(left)) n = static_cast<size_t>(left);
    room_left.fetch_sub(static_cast<long>(n));
  }
  return ::syscall(SYS_pwrite64, fd, bytes, n, at);
}
extern "C" int posix_fallocate(int fd, off_t offset, off_t bytes) {
  ++allocated;
  return ::syscall(SYS_fallocate, fd, 0, offset, bytes) == 0 ? 0 : errno;
}
extern "C" int fdatasync(int fd) {
  ++syncs;
  struct stat file {};
  ::fstat(fd, &file);
  if (syncs_to_fail.load() > 0 && syncs_to_fail.fetch_sub(1) > 0) return failed_inode = file.st_ino, errno = EIO, -1;
  if (file.st_ino == failed_inode.load()) ++retries;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace {

const LaneId kLane = lane(1);

struct Store {
  Options options;
  Recorder recorder;
  std::unique_ptr<Journal> journal;
  std::uint64_t n = 0;

  explicit Store(const Options& o) : options(o), journal(open(o, recorder)) {}
  void append(std::uint64_t events, std::string_view task = "task") {
    for (; events > 0; --events)
      ++n, put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), n % 2 == 0, std::nullopt, task), &recorder);
    Cursor c;
    c.sequence = c.delivered = n;
    journal->advance(kLane, c);
  }
  void reopen() {
    journal.reset();
    recorder = {};
    journal = open(options, recorder);
  }
  void check_whole() const {
    std::uint64_t expected = 0, wrong = 0;
    journal->view()->scan({}, [&](const StoredEvent& e) {
      wrong += e.values.sequence != ++expected;
      return true;
    });
    CHECK(wrong == 0);
    CHECK(expected == n);
    CHECK(journal->cursor(kLane)->sequence == n);
    CHECK(recorder.events == n);
    CHECK(journal->statistics().retained.events() == n);
    CHECK(journal->statistics().lifetime.totals.events() == n);
  }
};

template <class Condition>
bool eventually(Condition&& condition) {
  for (int i = 0; i < 5000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

}  // namespace

TEST_CASE("a frame that the disk has no room for is pending until it is in, wherever the disk was full") {
  for (long room = 0; room < 1500; room += 97) {
    CAPTURE(room);
    const TempDir dir;
    Store store(options_in(dir, 64 << 10));
    store.append(5);
    must(store.journal->commit());
    store.append(5);
    room_left = room;
    const auto full = store.journal->commit();
    if (full) {  // there was room for this one
      room_left = -1;
      continue;
    }
    CHECK(full.error().code == ENOSPC);
    CHECK(store.journal->pending());
    CHECK(refused(store.journal->commit()));
    CHECK(store.journal->statistics().write_failures == 1);  // one episode
    CHECK(store.journal->statistics().retained.events() == 5);
    CHECK(store.journal->committed_frame() == 1);
    if (room % 2 == 0) {
      room_left = -1;
      must(store.journal->commit());
      CHECK(!store.journal->pending());
      store.check_whole();
    } else {  // killed while the disk is full
      room_left = -1;
      store.reopen();
      CHECK((store.recorder.events == 5 ||
             store.recorder.events == 10));  // 10: all that was missing of the frame were zeros, which were there
      store.n = store.recorder.events;
    }
    store.reopen();
    store.check_whole();
  }
}

TEST_CASE("a disk that has no room for another segment lets this one grow, and takes the next when there is room") {
  const TempDir dir;
  Store store(options_in(dir, 32 << 10));
  while (files(store.options.directory, ".journal").size() + files(store.options.directory, ".sealed").size() < 2) {
    store.append(10);
    must(store.journal->commit());
  }
  std::filesystem::create_directory(store.options.directory + "/" + "00000000000000000003.journal.tmp");  // in the way of the next
  for (int i = 0; i < 100; ++i) {
    store.append(10);
    must(store.journal->commit());
  }
  CHECK(store.journal->statistics().segments == 2);
  CHECK(store.journal->statistics().write_failures == 1);
  const auto said = store.journal->take_failures();
  REQUIRE(said.size() == 1);
  CHECK(said[0].ends_with("Is a directory: the present segment grows until another can be made"));
  store.check_whole();
  std::filesystem::remove(store.options.directory + "/" + "00000000000000000003.journal.tmp");
  store.append(1);
  must(store.journal->commit());
  CHECK(store.journal->statistics().segments == 3);
  store.check_whole();
  store.reopen();
  store.check_whole();
}

TEST_CASE("on a file system that is really full nothing is lost and nothing crashes, and it resumes when there is room") {
  if (::geteuid() != 0 || ::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    MESSAGE("not run: mounting a small file system takes root");
    return;
  }
  const TempDir dir;
  const std::string mounted = dir.path() + "/small";
  std::filesystem::create_directory(mounted);
  REQUIRE(::mount("tmpfs", mounted.c_str(), "tmpfs", 0, "size=1m") == 0);
  {
    Store store(options_in(mounted + "/journal", 128 << 10));
    bool full = false;
    for (int i = 0; i < 20'000 && !full; ++i) {
      store.append(20, "a task that takes some room, so that it is soon full " + std::to_string(i * 7919));
      full = !store.journal->commit();
    }
    CHECK(full);
    CHECK(store.journal->statistics().write_failures >= 1);
    CHECK(store.journal->pending());
    REQUIRE(::mount("tmpfs", mounted.c_str(), "tmpfs", MS_REMOUNT, "size=8m") == 0);
    CHECK(eventually([&] { return store.journal->commit().has_value(); }));
    store.check_whole();
    store.append(100);
    must(store.journal->commit());
    store.reopen();
    store.check_whole();
  }
  ::umount2(mounted.c_str(), MNT_DETACH);
}

TEST_CASE("a sync that fails is not tried again: the segment is left, counted, and durable once it is sealed") {
  const TempDir dir;
  Options options = options_in(dir, 1 << 20);
  options.sync = SyncPolicy::every_frame;
  Store store(options);
  store.append(10);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->durable_frame() == 1; }));
  syncs_to_fail = 1;
  store.append(10);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->commit().has_value() && store.journal->statistics().sync_failures == 1; }));
  CHECK(store.journal->statistics().segments == 2);
  CHECK(store.journal->statistics().last_failure.find("sync") != std::string::npos);
  const auto said = store.journal->take_failures();
  REQUIRE(said.size() == 1);
  CHECK(said[0] ==
        "segment 1: syncing: Input/output error: it is not asked again: the segment is sealed from what can be read, and the "
        "next begun");
  CHECK(store.journal->take_failures().empty());
  store.append(10);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->commit().has_value() && store.journal->durable_frame() == 3; }));
  CHECK(store.journal->statistics().sealed == 1);
  CHECK(store.journal->statistics().sync_failures == 1);
  store.check_whole();
}

TEST_CASE(
    "until the segment whose sync failed is sealed, none of its frames is called durable, nor any behind them, and its file is let be") {
  const TempDir dir;
  Options options = options_in(dir, 1 << 20);
  options.sync = SyncPolicy::every_frame;
  Store store(options);
  const std::string obstacle = options.directory + "/00000000000000000001.sealed.tmp";
  std::filesystem::create_directory(obstacle);
  store.append(10);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->durable_frame() == 1; }));
  retries = 0;
  syncs_to_fail = 1;
  store.append(10);
  must(store.journal->commit());
  CHECK(eventually([&] { return syncs_to_fail.load() <= 0; }));
  // The next frame is still written there, if the writer has not heard yet; those behind it are in the next segment, whose syncs are good.
  const int before = syncs;
  for (int frame = 3; frame <= 6; ++frame) {
    store.append(10);
    must(store.journal->commit());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(eventually([&] { return syncs > before; }));
  CHECK(store.journal->committed_frame() == 6);
  CHECK(store.journal->statistics().segments == 2);
  CHECK(store.journal->statistics().sync_failures == 1);
  CHECK(store.journal->durable_frame() == 1);
  CHECK(retries == 0);
  std::filesystem::remove(obstacle);
  CHECK(eventually([&] { return store.journal->commit().has_value() && store.journal->durable_frame() == 6; }));
  CHECK(store.journal->statistics().sealed == 1);
  failed_inode = 0;
  store.check_whole();
}

TEST_CASE("every frame is made durable as it comes, or after the interval, or not at all, as asked") {
  const TempDir dir;
  Options options = options_in(dir, 1 << 20);
  options.sync = SyncPolicy::interval;
  options.sync_interval = std::chrono::milliseconds(5);
  Store store(options);
  store.append(1);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->durable_frame() == 1; }));
  store.journal->set_sync(SyncPolicy::every_frame, std::chrono::milliseconds(5));
  store.append(1);
  must(store.journal->commit());
  CHECK(eventually([&] { return store.journal->durable_frame() == 2; }));
  store.journal->set_sync(SyncPolicy::never, std::chrono::milliseconds(5));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const int before = syncs;
  store.append(1);
  must(store.journal->commit());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(syncs == before);
  CHECK(store.journal->durable_frame() == 2);
}

TEST_CASE("a checkpoint that cannot be synced has no name, is tried again a second later and not before, and is said once") {
  const TempDir dir;
  Store store(options_in(dir, 1 << 20));
  store.append(10);
  must(store.journal->commit());
  syncs_to_fail = 1000;
  must(store.journal->checkpoint());
  CHECK(eventually([&] { return syncs_to_fail < 1000; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(syncs_to_fail == 999);
  CHECK_FALSE(std::filesystem::exists(checkpoint_path(store.options.directory)));
  syncs_to_fail = 0;
  CHECK(eventually([&] { return std::filesystem::exists(checkpoint_path(store.options.directory)); }));
  must(store.journal->commit());
  CHECK(store.journal->statistics().write_failures == 1);
  const auto said = store.journal->take_failures();
  REQUIRE(said.size() == 1);
  CHECK(said[0] == "writing " + checkpoint_path(store.options.directory) + ": syncing: Input/output error: tried again every second");
  CHECK(store.journal->take_failures().empty());
}

TEST_CASE("the journal's disk use stays within its limit, by whole segments, and the newest events stay") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.retention.max_bytes = 400 << 10;
  Store store(options);
  for (int i = 0; i < 800; ++i) {
    store.append(20);
    must(store.journal->commit());
    store.journal->retain(1'000'000);
    must(store.journal->commit());
  }
  CHECK(eventually([&] {  // everything is sealed: one that was out already while that was done goes then
    store.journal->retain(1'000'000);
    must(store.journal->commit());
    std::uint64_t on_disk = 0;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory)) {
      std::error_code gone;  // what is being sealed is renamed meanwhile
      const std::uintmax_t size = entry.file_size(gone);
      on_disk += gone ? 0 : size;
    }
    const bool sealed = files(options.directory, ".journal").size() == 1;
    return sealed && store.journal->statistics().disk_bytes <= 400 << 10 && on_disk <= 400 << 10;
  }));
  const Statistics s = store.journal->statistics();
  CHECK(s.segments > 2);
  CHECK(files(options.directory, "-0").size() + files(options.directory, "-1").size() <= 2);
  std::uint64_t first = 0, events = 0;
  store.journal->view()->scan({}, [&](const StoredEvent& e) {
    if (first == 0) first = e.values.sequence;
    CHECK(e.values.sequence == first + events);
    return ++events, true;
  });
  CHECK(events == s.retained.events());
  CHECK(first + events - 1 == store.n);
  CHECK(s.lifetime.retained_out == store.n - events);
  store.reopen();
  CHECK(store.journal->statistics().retained.events() == events);
}

TEST_CASE("a full store makes its segments of files that it lets go of") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.retention.max_bytes = 400 << 10;
  Store store(options);
  const auto roll = [&] {
    for (const auto newest = store.journal->newest_segment(); newest == store.journal->newest_segment();) {
      store.append(20);
      must(store.journal->commit());
    }
    REQUIRE(eventually([&] {  // the one before is sealed, so that this does not depend on how fast that goes
      store.journal->retain(1'000'000);
      must(store.journal->commit());
      return files(options.directory, ".journal").size() == 1;
    }));
  };
  for (int rolled = 0; rolled < 60; ++rolled) roll();
  CHECK(allocated > 0);
  allocated = 0;
  for (int rolled = 0; rolled < 60; ++rolled) {
    roll();
    REQUIRE(store.journal->statistics().disk_bytes <= 400 << 10);
  }
  CHECK(allocated == 0);
}

TEST_CASE("clear forgets every event and leaves nothing of them on the disk; cursors, accounts and lifetime stay") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.retention.max_events = 200;  // some files are spares by then
  Store store(options);
  Cursor gone;
  gone.sequence = gone.delivered = 7;
  gone.dropped_by[0] = 2;
  store.journal->open_lane(lane(9), gone);
  store.journal->close_lane(lane(9), gone, 1);
  for (int i = 0; i < 200; ++i) {
    store.append(10, "very-secret-task");
    must(store.journal->commit());
    store.journal->retain(1'000'000);
  }
  const Statistics before = store.journal->statistics();
  must(store.journal->clear());
  CHECK(store.recorder.clears == 1);
  for (int again = 0; again < 2; ++again) {
    const Statistics s = store.journal->statistics();
    CHECK(s.retained == Totals{});
    CHECK(s.lifetime.totals == before.lifetime.totals);
    CHECK(s.lifetime.cleared == 200);
    CHECK(s.lifetime.retained_out == store.n - 200);
    CHECK(s.closed == ClosedLanes(gone, 1));
    CHECK(s.collection_started_ns >= before.collection_started_ns);
    CHECK(store.journal->cursor(kLane)->sequence == store.n);
    CHECK(store.journal->cursor(lane(9)) == nullptr);
    CHECK(store.journal->view()->scan({}, [](const StoredEvent&) { return true; }).events == 0);
    CHECK(store.recorder.clears == 1);
    store.reopen();
  }
  for (const std::string& path : files(options.directory, "")) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    CHECK_MESSAGE(bytes.find("very-secret-task") == std::string::npos, path);
  }
  store.append(3);
  must(store.journal->commit());
  CHECK(store.journal->statistics().retained.events() == 3);
}

TEST_CASE("a clear that the disk refuses is done when it can be written") {
  const TempDir dir;
  Store store(options_in(dir, 64 << 10));
  store.append(10);
  must(store.journal->commit());
  room_left = 0;
  const auto answer = store.journal->clear();
  REQUIRE(refused(answer));
  CHECK(answer.error().message.find("pending") != std::string::npos);
  CHECK(store.journal->statistics().retained.events() == 10);
  CHECK(store.recorder.clears == 0);
  room_left = -1;
  must(store.journal->commit());
  CHECK(store.journal->statistics().retained.events() == 0);
  CHECK(store.recorder.clears == 1);
  store.reopen();
  CHECK(store.journal->statistics().retained.events() == 0);
  CHECK(store.journal->statistics().lifetime.cleared == 10);
}

TEST_CASE("state made under another key is refused, and the message says which") {
  const TempDir dir;
  Options options = options_in(dir, 64 << 10);
  options.key_fingerprint.fill(0xab);
  for (const bool sealed : {false, true}) {
    {
      Store store(options);
      if (!sealed) store.append(10);
      must(store.journal->commit());
      if (sealed) must(store.journal->close());
    }
    Options other = options;
    other.key_fingerprint.fill(0xcd);
    Recorder recorder;
    const auto answer = Journal::open(other, recorder);
    REQUIRE(refused(answer));
    CHECK(answer.error().message.find("abababababababababababababababab") != std::string::npos);
    CHECK(answer.error().message.find("cdcdcdcd") != std::string::npos);
    other.key_fingerprint = {};
    const auto none = Journal::open(other, recorder);
    REQUIRE(refused(none));
    CHECK(none.error().message.find("no anonymisation") != std::string::npos);
  }
  Store store(options);
  CHECK(store.journal->statistics().retained.events() == 10);
}
