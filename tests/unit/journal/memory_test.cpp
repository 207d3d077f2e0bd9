// Memory that runs out while a journal is opened: whoever opens it is told, and the next who does finds everything.
#include <fstream>

#include "collector/journal/raw_segment.hpp"
#include "collector/journal/sealed_file.hpp"
#include "tests/unit/journal/fixture.hpp"
#include "tests/unit/memory_refused.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;
using arbiter::test::refuse_each_allocation;

namespace {

const LaneId kLane = lane(1);

// Three frames to a sealed segment, some segments, then a last one that a kill leaves with what is in it. Gives the number of events.
std::uint64_t fill(const Options& options, std::uint64_t segments) {
  std::uint64_t n = 0;
  Recorder recorder;
  const auto frame = [&](Journal& journal) {
    event::Values patch = head(Kind::task_execution, 0, 0);
    patch.set_time(field::kStarted, 500);
    for (int i = 0; i < 10; ++i) {
      ++n;
      const EventRef ref = put(journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
      if (i == 0) journal.amend(ref, patch);
      put(journal, lane(2), generic(n, static_cast<std::int64_t>(1000 + n), "a word that takes an allocation"), &recorder);
    }
    Cursor c;
    c.sequence = c.delivered = n;
    journal.advance(kLane, c);
    must(journal.commit());
  };
  {
    const auto journal = open(options, recorder);
    while (journal->statistics().segments <= segments) frame(*journal);
    must(journal->close());
  }
  recorder = {};
  const auto journal = open(options, recorder);
  frame(*journal);
  return n;
}

void flip(const std::string& path, std::uint64_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = static_cast<char>(~file.get());
  file.seekp(static_cast<std::streamoff>(at));
  file.put(byte);
}

// Opens it with one allocation after the other failing, until it is open; then counts.
void check(const Options& options, std::uint64_t events, std::uint64_t damaged, std::uint64_t lifetime) {
  const int failed = refuse_each_allocation(
      [&] {
        Recorder recorder;
        static_cast<void>(Journal::open(options, recorder));
      },
      [] {});
  CHECK(failed >= 50);
  Recorder recorder;
  const auto journal = open(options, recorder);
  std::uint64_t seen = 0, amended = 0;
  journal->view()->scan({}, [&](const StoredEvent& e) { return ++seen, amended += e.revision, true; });
  CHECK(seen == events);
  CHECK(journal->statistics().damaged_blocks <= damaged);
  CHECK(journal->statistics().lifetime.totals.events() == lifetime);
}

}  // namespace

TEST_CASE("whichever allocation of a start fails, the next start has every event once: from a checkpoint, from a table, from nothing") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  check(options, 0, 0, 0);
  std::filesystem::remove_all(options.directory);
  const std::uint64_t n = 2 * fill(options, 3);
  check(options, n, 0, n);
  std::filesystem::remove(options.directory + "/checkpoint");
  check(options, n, 0, n);
}

TEST_CASE("whichever allocation fails while damage is met, the next start has what is around it") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  const std::uint64_t n = 2 * fill(options, 4);
  const auto sealed = files(options.directory, ".sealed");
  REQUIRE(sealed.size() >= 4);
  std::filesystem::remove(options.directory + "/checkpoint");
  const auto size = [](const std::string& path) { return std::filesystem::file_size(path); };
  flip(sealed[1], size(sealed[1]) - sizeof(SealedTrailer) - 20);  // a footer
  const auto whole = open_sealed(sealed[2], options.link_key, test_keys());
  must(whole);
  const ScannedBlock& lost = whole->scanned.blocks.front();
  flip(sealed[2], lost.place.offset + lost.place.stored_bytes / 2);
  std::ofstream(options.directory + "/" + raw_name(1)) << "a leftover of what is sealed";
  std::ofstream(options.directory + "/spare-9") << "too short";
  std::ofstream(options.directory + "/" + raw_name(77)) << "torn";
  std::ofstream(options.directory + "/" + sealed_name(78)) << "torn";
  check(options, n - lost.arrived.events, 2, n);
}

TEST_CASE("whichever allocation fails while another key's journal is refused, nothing of it is changed, and at last the reason is said") {
  const TempDir dir;
  const Options options = options_in(dir, 16 << 10);
  const std::uint64_t n = 2 * fill(options, 2);
  Options other = options;
  other.key_fingerprint.fill(5);
  std::string why;
  refuse_each_allocation(
      [&] {
        Recorder recorder;
        const auto answer = Journal::open(other, recorder);
        if (!answer) why = answer.error().message;
      },
      [] {});
  CHECK(
      why.ends_with(": was made under no anonymisation, not under the key with fingerprint 05050505050505050505050505050505: give back "
                    "the key it was made with, or start on an empty state directory"));
  for (const std::string& path : files(options.directory, ".sealed")) std::filesystem::remove(path);
  why.clear();
  refuse_each_allocation(
      [&] {
        Recorder recorder;
        const auto answer = Journal::open(other, recorder);
        if (!answer) why = answer.error().message;
      },
      [] {});
  CHECK(why.find(".journal: was made under no anonymisation") != std::string::npos);
  CHECK(n > 0);
}
