// Whatever the system refuses, once or from then on: what is committed is there, once, at the next start, and nothing is called damaged
// that could not be read for a moment.

#include <functional>

#include "collector/journal/file.hpp"
#include "tests/unit/journal/fixture.hpp"
#include "tests/unit/refused_calls.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;
using arbiter::test::Refused;

namespace {

const LaneId kLane = lane(1);
constexpr std::uint64_t kRetained = 200;

Options options_in(const TempDir& dir) {
  Options o = options_in(dir, 32 << 10);
  o.sync = SyncPolicy::every_frame;
  o.retention.max_events = kRetained;
  return o;
}

// What a writer was told, and what it asked for beyond.
struct Told {
  std::uint64_t asked = 0, committed = 0;
  std::uint64_t broken_links = 0;  // at the last check: of segments that may be there still
};

void append(Journal& journal, Recorder& recorder, Told& told) {
  event::Values patch = head(Kind::task_execution, 0, 0);
  patch.set_time(field::kStarted, 500);
  for (int i = 0; i < 10; ++i) {
    const std::uint64_t n = ++told.asked;
    const EventRef ref = put(journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
    if (n % 7 == 0) journal.amend(ref, patch);
  }
  Cursor c;
  c.sequence = c.delivered = told.asked;
  journal.advance(kLane, c);
}

// A start, some segments, a checkpoint in between; a stop if `stops`. Whatever fails, the next thing is tried.
void session(const Options& options, Told& told, bool stops) {
  Recorder recorder;
  auto opened = Journal::open(options, recorder);
  if (!opened) return;
  Journal& journal = **opened;
  const auto commit = [&] {
    if (journal.commit()) told.committed = told.asked;
  };
  for (int frame = 0; frame < 24; ++frame) {
    append(journal, recorder, told);
    commit();
    if (frame % 3 == 0) journal.retain(1'000'000);
    if (frame == 12 && journal.checkpoint()) told.committed = told.asked;
  }
  if (stops && journal.close()) told.committed = told.asked;
}

// What is there at the next start is all that was committed, and of the rest a beginning. `room_came_first`: with no room to write the link
// of a segment that leaves, its file goes all the same (upkeep.cpp), and the one behind it is then linked to nothing, as long as it is
// there.
void check(const Options& options, Told& told, bool room_came_first) {
  Recorder recorder;
  const auto journal = open(options, recorder);
  const std::uint64_t n = journal->cursor(kLane) == nullptr ? 0 : journal->cursor(kLane)->sequence;
  REQUIRE(n >= told.committed);
  REQUIRE(n <= told.asked);
  REQUIRE(recorder.events == n);
  journal->retain(1'000'000);
  const Statistics s = journal->statistics();
  REQUIRE(s.lifetime.totals.events() == n);
  CAPTURE(s.last_failure);
  REQUIRE(s.damaged_blocks == 0);
  REQUIRE(s.broken_links <= std::max<std::uint64_t>(told.broken_links, room_came_first ? 1 : 0));
  told.broken_links = s.broken_links;
  REQUIRE(s.retained.events() == std::min(kRetained, n));
  std::uint64_t expected = n - s.retained.events(), wrong = 0;
  journal->view()->scan({}, [&](const StoredEvent& e) {
    wrong += e.values.sequence != ++expected || e.revision != (e.values.sequence % 7 == 0 ? 1 : 0);
    return true;
  });
  REQUIRE(wrong == 0);
  REQUIRE(expected == n);
  told.asked = told.committed = n;
}

// The first, second, n-th call of this name in a session, until there are no more. How many sessions had one refused.
int refuse_each(const char* call, bool lasting) {
  const TempDir dir;
  const Options options = options_in(dir);
  Told told;
  session(options, told, false);
  session(options, told, true);
  int sessions = 0, missed = 0;  // how many calls there are varies a little: files are sealed meanwhile
  for (int nth = 1; missed < 3; ++nth) {
    CAPTURE(nth);
    const int code = nth % 3 == 0 ? EIO : nth % 3 == 1 ? ENOSPC : EMFILE;
    const char* refused_call = nullptr;
    for (const auto& entry : std::filesystem::directory_iterator(options.directory))  // so that room is allocated anew
      if (entry.path().filename().string().starts_with("spare-")) std::filesystem::remove(entry);
    {
      const Refused refused(call, code, nth, lasting);
      session(options, told, nth % 2 == 0);
      refused_call = refused.call();
    }
    CAPTURE(std::string(refused_call == nullptr ? "" : refused_call));
    check(options, told, lasting && code == ENOSPC);
    ++(refused_call == nullptr ? missed : sessions);
  }
  return sessions;
}

}  // namespace

TEST_CASE("whichever one call the system refuses, what was committed is there at the next start, once, and nothing is damaged") {
  for (const char* call :
       {"fdatasync", "fstat", "fsync", "getrandom", "mkdir", "open", "opendir", "posix_fallocate", "pread", "pwrite", "rename"}) {
    CAPTURE(std::string(call));
    CHECK(refuse_each(call, false) >= 1);
  }
}

TEST_CASE("from whichever call on the system refuses everything, what was committed is there at the next start, once") {
  CHECK(refuse_each("", true) >= 50);
}

TEST_CASE("a directory is made with those above it, each known by its name before it is used; what is in the way is said") {
  const TempDir dir;
  const auto is_there = [&](const char* name) { return std::filesystem::is_directory(dir.path() + "/" + name); };
  must(make_directory(dir.path() + "/a/b/c"));
  CHECK(is_there("a/b/c"));
  must(make_directory(dir.path() + "/a/b/c"));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  must(make_directory("relative/to/here"));
  std::filesystem::current_path(before);
  CHECK(is_there("relative/to/here"));
  const auto why_not = [&](const char* call, int code, const std::string& path) {
    const Refused refused(call, code);
    const auto made = make_directory(path);
    return made ? std::string() : made.error().message;
  };
  CHECK(why_not("mkdir", EROFS, dir.path() + "/d/e") ==
        "making " + dir.path().substr(0, dir.path().find('/', 1)) + ": Read-only file system");
  CHECK(why_not("fsync", EIO, dir.path() + "/f/g") == "syncing " + dir.path() + ": Input/output error");
  CHECK(why_not("open", EIO, dir.path() + "/h/i") == "opening " + dir.path() + ": Input/output error");
  // One that is not ours to read cannot be synced, and need not be: it was not made by us.
  CHECK(why_not("open", EACCES, dir.path() + "/j/k").empty());
  CHECK(is_there("j/k"));
  CHECK(why_not("opendir", EMFILE, dir.path() + "/l") == "reading " + dir.path() + "/l: Too many open files");
}

TEST_CASE("a call that a signal interrupts is made again") {
  const TempDir dir;
  const auto opened = File::open(dir.path() + "/file", O_RDWR | O_CREAT);
  must(opened);
  const File& file = **opened;
  std::array<std::byte, 100> in{}, out{};
  out.fill(std::byte{7});
  const auto interrupted = [&](const char* call, const std::function<void()>& make) {
    CAPTURE(std::string(call));
    const Refused refused(call, EINTR);
    make();
    CHECK(refused.call() != nullptr);
  };
  interrupted("posix_fallocate", [&] { must(file.allocate(200)); });
  CHECK(*file.size() == 200);
  interrupted("pwrite", [&] { must(file.write(out, 50)); });
  interrupted("pread", [&] { CHECK(*file.read(in, 50) == 100); });
  CHECK(in == out);
  CHECK(*file.read(in, 150) == 50);  // as far as there is something
}

TEST_CASE("a start that is refused to read what it asks for does not begin, or has everything: it calls nothing damaged") {
  const TempDir dir;
  Options options = options_in(dir);
  options.retention.max_events = 195;  // frames are of ten: of one, some events are out
  Told told;
  session(options, told, true);
  std::uint64_t retained = 0;
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    journal->retain(1'000'000);
    append(*journal, recorder, told);  // so that the edge is known at the next start
    must(journal->commit());
    retained = journal->statistics().retained.events();
    must(journal->close());
  }
  int refusals = 0;
  for (int nth = 1; nth <= refusals + 1; ++nth) {
    CAPTURE(nth);
    const Refused refused("pread", EIO, nth);
    Recorder recorder;
    const auto journal = Journal::open(options, recorder);
    refusals += refused.call() != nullptr;
    if (!journal) continue;
    const Statistics s = (*journal)->statistics();
    CHECK(s.damaged_blocks == 0);
    CHECK(s.retained.events() == retained);
  }
  CHECK(refusals >= 5);
}

TEST_CASE("what a view is refused to read is said to be missing, is not called damaged, and is there the next time") {
  const TempDir dir;
  const Options options = options_in(dir);
  Told told;
  session(options, told, true);
  Recorder recorder;
  const auto journal = open(options, recorder);
  journal->retain(1'000'000);
  const auto view = journal->view();
  const auto events = [&](const View::Filter& filter) { return view->scan(filter, [](const StoredEvent&) { return true; }); };
  const View::Scan whole = events({});
  CHECK(whole.events == kRetained);
  CHECK(whole.blocks_damaged == 0);
  {
    const Refused refused("pread", EIO, 1, true);
    const View::Scan none = events({});
    CHECK(none.events == 0);
    CHECK(none.blocks_damaged == whole.blocks_read);
  }
  View::Filter absent;
  const std::string task = "no such task";
  absent.task = event::Text(std::string_view(task));
  const View::Scan filtered = events(absent);
  {
    const Refused refused("pread", EIO, 1);  // of a filter: then the block is read
    const View::Scan all = events(absent);
    CHECK(all.events == 0);
    CHECK(all.blocks_read == filtered.blocks_read + 1);
  }
  CHECK(events({}).events == kRetained);
  CHECK(journal->statistics().damaged_blocks == 0);
}
