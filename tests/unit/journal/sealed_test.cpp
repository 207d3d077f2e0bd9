// Sealed segments: what they save, what damage costs, and that nobody without the key can change them unseen.
#include <fstream>
#include <thread>

#include "collector/journal/chunk.hpp"
#include "collector/journal/sealed_file.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

constexpr unsigned kStrategy = schema::field(Kind::task_execution, "routingDecision.routingStrategy");
const LaneId kLane = lane(1);

Options linked_options(const TempDir& dir, std::uint64_t segment_bytes) {
  Options o = options_in(dir, segment_bytes);
  o.link_key.fill(7);
  return o;
}

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void overwrite(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

// Frames of ten events, one task for each frame, until `segments` are sealed; then a clean stop. Gives the number of events.
std::uint64_t fill(const Options& options, std::uint64_t segments, const std::function<void(Journal&, const EventRef&)>& each = {}) {
  Recorder recorder;
  const auto journal = open(options, recorder);
  std::uint64_t n = 0;
  while (journal->statistics().sealed < segments) {
    const std::string task = "task-" + std::to_string(n / 10);
    for (int i = 0; i < 10; ++i) {
      ++n;
      const EventRef ref =
          put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), n % 3 == 0, std::nullopt, task), &recorder);
      if (each) each(*journal, ref);
    }
    Cursor c;
    c.sequence = n;
    journal->advance(kLane, c);
    must(journal->commit());
    journal->retain(1'000'000);
  }
  must(journal->close());
  return n;
}

struct Read {
  std::vector<std::uint64_t> sequences;
  View::Scan scan;
};
Read read(const Journal& journal, const View::Filter& filter = {}) {
  Read r;
  r.scan = journal.view()->scan(filter, [&](const StoredEvent& e) {
    r.sequences.push_back(e.values.sequence);
    return true;
  });
  return r;
}

}  // namespace

TEST_CASE("a clean stop leaves sealed segments alone, and a start from there replays nothing") {
  const TempDir dir;
  const Options options = linked_options(dir, 64 << 10);
  const std::uint64_t n = fill(options, 3);
  for (const std::string& path : files(options.directory, ".journal")) {  // one that had just begun holds its table alone
    const auto raw = open_raw_segment(path, test_keys());
    must(raw);
    CHECK(!FrameStream(raw->segment, raw->segment.end, raw->segment.size, raw->segment.previous).next());
  }
  CHECK(files(options.directory, ".sealed").size() >= 3);
  struct Silent final : Participant {
    std::uint64_t replayed = 0;
    std::string loaded;
    void save(const std::function<void(std::string_view)>& out) const override { out(loaded); }
    bool load(std::string_view bytes) override { return loaded = bytes, true; }
    void replay(const LaneId&, const event::Values&, const EventRef&) override { ++replayed; }
    void replay_clear() override {}
  } participant;
  const auto journal = open(options, participant);
  CHECK(participant.replayed == 0);
  CHECK(read(*journal).sequences.size() == n);
  CHECK(journal->statistics().retained.events() == n);
  CHECK(journal->statistics().broken_links == 0);
  CHECK(journal->cursor(kLane)->sequence == n);
}

TEST_CASE("without the checkpoint the same state is found in the newest sealed segment") {
  const TempDir dir;
  const Options options = linked_options(dir, 64 << 10);
  const std::uint64_t n = fill(options, 2);
  std::filesystem::remove(options.directory + "/checkpoint");
  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(recorder.events == n);
  CHECK(read(*journal).sequences.size() == n);
  CHECK(journal->cursor(kLane)->sequence == n);
  CHECK(journal->statistics().lifetime.totals.events() == n);
}

TEST_CASE("a damaged block costs that block alone, and is reported") {
  const TempDir dir;
  const Options options = linked_options(dir, 8 << 20);
  const std::uint64_t n = fill(options, 1);
  const std::string path = files(options.directory, ".sealed").front();
  const auto sealed = open_sealed(path, options.link_key, test_keys());
  must(sealed);
  REQUIRE(sealed->scanned.blocks.size() > 4);
  const ScannedBlock& victim = sealed->scanned.blocks[2];
  std::string bytes = content(path);
  bytes[victim.place.offset + victim.place.stored_bytes / 2] ^= 0x10;
  overwrite(path, bytes);

  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(journal->statistics().retained.events() == n);  // by the sums, which are whole
  const Read found = read(*journal);
  CHECK(found.scan.blocks_damaged == 1);
  CHECK(found.sequences.size() == n - victim.arrived.events);
  CHECK(found.sequences.front() == 1);
  CHECK(found.sequences.back() == n);
  CHECK(journal->statistics().damaged_blocks == 1);
  CHECK(read(*journal).scan.blocks_damaged == 1);
  CHECK(journal->statistics().damaged_blocks == 1);  // the same one
}

TEST_CASE("a damaged footer costs nothing but the link") {
  const TempDir dir;
  const Options options = linked_options(dir, 64 << 10);
  event::Values patch = head(Kind::task_execution, 0, 0);
  patch.set_time(field::kStarted, 500);
  const std::uint64_t n = fill(options, 3, [&](Journal& journal, const EventRef& ref) {
    if (ref.sequence % 50 == 0) journal.amend(ref, patch);
  });
  Statistics expected;
  {
    Recorder recorder;
    expected = open(options, recorder)->statistics();
  }
  const std::string path = files(options.directory, ".sealed")[1];
  std::string bytes = content(path);
  bytes[bytes.size() - sizeof(SealedTrailer) - 20] ^= 1;
  overwrite(path, bytes);
  Recorder recorder;
  const auto journal = open(options, recorder);
  const Statistics s = journal->statistics();
  CHECK(s.retained == expected.retained);
  CHECK(s.retained.joined == n / 50);
  CHECK(s.lifetime.totals == expected.lifetime.totals);
  CHECK(read(*journal).sequences.size() == n);
  CHECK(s.broken_links == 1);
  CHECK(s.last_failure.find("footer") != std::string::npos);
}

TEST_CASE("a footer changed by somebody without the key is noticed, though its checksum is right") {
  const TempDir dir;
  const Options options = linked_options(dir, 64 << 10);
  fill(options, 3);
  const std::string path = files(options.directory, ".sealed")[1];
  // The same segment, sealed anew under a key of one's own.
  std::string bytes = content(path);
  SealedTrailer trailer;
  std::memcpy(&trailer, bytes.data() + bytes.size() - sizeof trailer, sizeof trailer);
  LinkKey other{};
  trailer.link = link_of(std::string_view(bytes).substr(trailer.footer_offset, trailer.footer_bytes), other);
  std::memcpy(bytes.data() + bytes.size() - sizeof trailer, &trailer, sizeof trailer);
  overwrite(path, bytes);
  Recorder recorder;
  const auto journal = open(options, recorder);
  CHECK(journal->statistics().broken_links == 2);  // its own, and the one after it is linked to another
  CHECK(journal->statistics().last_failure.find(sealed_name(3)) != std::string::npos);
}

TEST_CASE("a sealed segment that somebody takes away is missed; one that retention takes away is not") {
  const TempDir dir;
  Options options = linked_options(dir, 64 << 10);
  const std::uint64_t n = fill(options, 5);
  const std::size_t sealed = files(options.directory, ".sealed").size();
  {
    Options limited = options;
    limited.retention.max_events = n / 2;
    Recorder recorder;
    const auto journal = open(limited, recorder);
    journal->retain(1'000'000);
    must(journal->commit());
    journal->retain(1'000'000);
    CHECK(files(options.directory, ".sealed").size() < sealed);
    CHECK(journal->statistics().retained.events() == n / 2);
  }
  {
    Recorder recorder;
    const auto journal = open(options, recorder);
    CHECK(journal->statistics().broken_links == 0);
    CHECK(journal->statistics().retained.events() == n / 2);
    must(journal->close());
  }
  std::filesystem::remove(files(options.directory, ".sealed")[1]);
  Recorder recorder;
  CHECK(open(options, recorder)->statistics().broken_links == 1);
}

TEST_CASE("amendments made before or after sealing count the same, whatever was restarted in between") {
  for (const bool restart : {false, true}) {
    const TempDir dir;
    const Options options = linked_options(dir, 64 << 10);
    std::vector<EventRef> refs;
    Recorder recorder;
    auto journal = open(options, recorder);
    std::uint64_t n = 0;
    while (journal->statistics().sealed < 2) {
      ++n;
      refs.push_back(put(*journal, kLane, execution(n, static_cast<std::int64_t>(10'000 + n), true, std::nullopt), &recorder));
      must(journal->commit());
      journal->retain(1'000'000);
    }
    const auto amend = [&](std::uint64_t i) {
      event::Values patch = head(Kind::task_execution, 0, 0);
      patch.set_time(field::kStarted, 10'000);
      patch.set_text(kStrategy, std::string_view("random"));
      journal->amend(refs[i], patch);
    };
    if (restart) {
      journal.reset();
      recorder = {};
      journal = open(options, recorder);
    }
    for (const std::uint64_t i : {std::uint64_t{0}, n / 2, n - 1}) amend(i);
    must(journal->commit());
    const Int128 expected = 1 + (n / 2 + 1) + n;
    for (int again = 0; again < 3; ++again) {
      const Statistics s = journal->statistics();
      CHECK(s.retained.joined == 3);
      CHECK(s.retained.duration_ns == expected);
      CHECK(s.lifetime.totals.joined == 3);
      CHECK(s.lifetime.totals.duration_ns == expected);
      std::uint64_t revised = 0;
      journal->view()->scan({}, [&](const StoredEvent& e) {
        if (e.revision == 0) {
          CHECK(!e.values.has(field::kStarted));
          return true;
        }
        ++revised;
        CHECK(e.revision == 1);
        CHECK(e.values.time(field::kStarted) == 10'000);
        CHECK(e.values.text[kStrategy].bytes() == "random");
        CHECK(e.values.flag(field::kSuccess));
        return true;
      });
      CHECK(revised == 3);
      if (again == 1) must(journal->close());
      journal.reset();
      recorder = {};
      journal = open(options, recorder);
    }
    // Their sums leave with them.
    Retention limited;
    limited.max_events = 1;
    journal->set_retention(limited);
    journal->retain(1'000'000);
    CHECK(journal->statistics().retained.joined == 1);
    CHECK(journal->statistics().retained.duration_ns == Int128{n});
  }
}

TEST_CASE("a search for one task reads the blocks that have it, and hardly another") {
  const TempDir dir;
  const Options options = linked_options(dir, 16 << 20);
  const std::uint64_t n = fill(options, 1);
  Recorder recorder;
  const auto journal = open(options, recorder);
  const Read all = read(*journal);
  REQUIRE(all.scan.blocks_read > 12);
  View::Filter filter;
  filter.task = event::Text(std::string_view("task-77"));
  const Read one = read(*journal, filter);
  CHECK(one.sequences == std::vector<std::uint64_t>{771, 772, 773, 774, 775, 776, 777, 778, 779, 780});
  CHECK(one.scan.blocks_read <= 3 + all.scan.blocks_read / 50);  // a filter says yes in vain one time in a hundred
  const std::string absent = "no such task";
  filter.task = event::Text(std::string_view(absent));
  CHECK(read(*journal, filter).scan.events == 0);
  filter = {};
  filter.since_ns = static_cast<std::int64_t>(1000 + n - 5);
  filter.until_ns = static_cast<std::int64_t>(1000 + n);
  const Read late = read(*journal, filter);
  CHECK(late.sequences.size() == 5);
  CHECK(late.scan.blocks_read == 1);
  filter = {};
  filter.kinds = 1u << static_cast<unsigned>(Kind::routing_decision);
  CHECK(read(*journal, filter).scan.blocks_read == 0);
}

TEST_CASE("a view goes on reading what is sealed, retained out, recycled and cleared behind it") {
  const TempDir dir;
  Options options = linked_options(dir, 128 << 10);
  Recorder recorder;
  const auto journal = open(options, recorder);
  std::uint64_t n = 0;
  const auto more = [&](std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      ++n;
      put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
      if (i % 20 == 0) must(journal->commit());
    }
    must(journal->commit());
  };
  more(3000);
  const auto view = journal->view();
  const std::uint64_t seen = n;
  CHECK(view->statistics().retained.events() == seen);
  CHECK(view->cursor().starts_with("c1:"));
  std::thread reader([&] {
    for (int round = 0; round < 20; ++round) {
      std::uint64_t expected = 0, wrong = 0;
      const auto scan = view->scan({}, [&](const StoredEvent& e) {
        wrong += e.values.sequence != ++expected;
        return true;
      });
      if (wrong != 0 || expected != seen || scan.blocks_damaged != 0) FAIL("the view has changed");
    }
  });
  Retention few;
  few.max_events = 50;
  journal->set_retention(few);
  for (int round = 0; round < 20; ++round) {
    more(1000);
    journal->retain(1'000'000);
    must(journal->commit());
  }
  must(journal->clear());
  more(3000);
  reader.join();
  std::uint64_t still = 0;
  view->scan({}, [&](const StoredEvent&) { return ++still, true; });
  CHECK(still == seen);
  CHECK(journal->statistics().damaged_blocks == 0);
}

TEST_CASE("statistics of many blocks take no longer than those of one") {
  const TempDir dir;
  Options options = linked_options(dir, 8 << 20);
  options.retention.max_events = 150'000;
  Recorder recorder;
  auto journal = open(options, recorder);
  std::uint64_t n = 0;
  while (n < 250'000) {
    for (int i = 0; i < 1000; ++i)
      ++n, put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, static_cast<std::int64_t>(n)));
    must(journal->commit());
  }
  const auto took = [&] {
    const auto start = std::chrono::steady_clock::now();
    journal->retain(static_cast<std::int64_t>(n));
    CHECK(journal->statistics().retained.events() == 150'000);
    CHECK(journal->statistics().retained.duration_ns == Int128{150'000} * 1000);
    return std::chrono::steady_clock::now() - start;
  };
  auto best = took();
  for (int i = 0; i < 10; ++i) {
    for (int k = 0; k < 1000; ++k)
      ++n, put(*journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, static_cast<std::int64_t>(n)));
    must(journal->commit());
    best = std::min(best, took());
  }
  CHECK(best < std::chrono::milliseconds(10));
  must(journal->close());
  journal.reset();
  best = std::chrono::hours(1);
  for (int i = 0; i < 5 && best >= std::chrono::seconds(1); ++i) {
    journal.reset();
    const auto start = std::chrono::steady_clock::now();
    recorder = {};
    journal = open(options, recorder);
    best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - start);
    CHECK(journal->statistics().retained.events() == 150'000);
  }
  CHECK(best < std::chrono::seconds(1));
}
