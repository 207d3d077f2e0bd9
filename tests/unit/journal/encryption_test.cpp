// What encryption adds to a journal. That it takes nothing away is shown by the other tests, which are run encrypted as well.
#include <doctest/doctest.h>

#include <cerrno>
#include <fstream>
#include <set>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/encryption.hpp"
#include "collector/journal/raw_segment.hpp"
#include "collector/journal/xxh3.hpp"
#include "tests/unit/journal/fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

const LaneId kLane = lane(1);
const auto kFirst = std::make_shared<const crypt::Cipher>(crypt::KeyId{0xaa}, crypt::CipherKey{1});
const auto kSecond = std::make_shared<const crypt::Cipher>(crypt::KeyId{0xbb}, crypt::CipherKey{2});

Options options_in(const TempDir& dir, const crypt::Keyring& keys) {
  Options o;
  o.directory = dir.journal();
  o.segment_bytes = 64 << 10;
  o.sync = SyncPolicy::never;
  o.keys = keys;
  return o;
}

// Frames of ten events with their ids in the clear, from `n` on, until there are so many further segments. Gives the last number.
std::uint64_t fill(Journal& journal, std::uint64_t n, std::uint64_t segments) {
  for (const std::uint64_t until = journal.statistics().segments + segments; journal.statistics().segments < until;) {
    EventRef ref;
    for (int i = 0; i < 10; ++i) {
      ++n;
      ref = put(journal, kLane, execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt, "SECRET-TASK-" + std::to_string(n)));
    }
    event::Values patch = head(Kind::task_execution, ref.sequence, ref.time_ns);
    patch.set_text(schema::field(Kind::task_execution, "routingDecision.routingStrategy"), std::string_view("SECRET-STRATEGY"));
    journal.amend(ref, MadeEvent(patch).values);
    Cursor c;
    c.sequence = n;
    journal.advance(kLane, c);
    must(journal.commit());
    journal.retain(1'000'000);
  }
  return n;
}

struct Secretive final : Participant {
  std::string state = "SECRET-STATE" + std::string(100'000, 's');
  void save(const std::function<void(std::string_view)>& out) const override { out(state); }
  bool load(std::string_view bytes) override { return state = bytes, true; }
  void replay(const LaneId&, const event::Values&, const EventRef&) override {}
  void replay_clear() override {}
};

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
bool tells(const std::string& directory) {  // some file of it, something
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (content(entry.path()).find("SECRET") != std::string::npos) return true;
  return false;
}
std::uint64_t readable(const Journal& journal) {
  std::uint64_t events = 0;
  journal.view()->scan({}, [&](const StoredEvent& e) {
    events += e.values.has(schema::field(Kind::task_execution, "taskId"));
    return true;
  });
  return events;
}
std::uint64_t amended(const Journal& journal) {
  std::uint64_t events = 0;
  journal.view()->scan({}, [&](const StoredEvent& e) { return events += e.revision, true; });
  return events;
}

}  // namespace

TEST_CASE("no file of an encrypted journal tells an id, a name or the state of the open executions") {
  const TempDir plain_dir, dir;
  for (const bool encrypted : {false, true}) {
    const Options options = options_in(encrypted ? dir : plain_dir, encrypted ? crypt::Keyring(kFirst, {}) : crypt::Keyring());
    Secretive participant;
    std::uint64_t n = 0;
    {
      const auto journal = open(options, participant);
      n = fill(*journal, 0, 3);
      CHECK(tells(options.directory) != encrypted);  // raw
      must(journal->close());
    }
    CHECK(tells(options.directory) != encrypted);  // sealed, and a checkpoint
    REQUIRE(files(options.directory, ".sealed").size() >= 3);
    Secretive again;
    again.state.clear();
    const auto journal = open(options, again);
    CHECK(again.state == participant.state);
    CHECK(readable(*journal) == n);
    CHECK(amended(*journal) == n / 10);
  }
}

TEST_CASE("a task is found by the filters of encrypted segments, without reading the others") {
  const TempDir dir;
  Secretive participant;
  const auto journal = open(options_in(dir, {kFirst, {}}), participant);
  const std::uint64_t n = fill(*journal, 0, 20);
  const std::string task = "SECRET-TASK-" + std::to_string(n / 2);
  const event::Text text(task);
  for (const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
       journal->statistics().sealed < 20 && std::chrono::steady_clock::now() < until; journal->retain(1'000'000))
    ::usleep(1000);
  REQUIRE(journal->statistics().sealed >= 20);
  View::Filter filter;
  filter.task = text;
  std::uint64_t found = 0;
  const auto scan = journal->view()->scan(filter, [&](const StoredEvent&) { return ++found, true; });
  CHECK(found == 1);
  CHECK(scan.blocks_read <= 5);
}

TEST_CASE("without its key a journal is refused, and says which key it takes") {
  const TempDir dir;
  Secretive participant;
  {
    const auto journal = open(options_in(dir, {kFirst, {}}), participant);
    fill(*journal, 0, 2);
    must(journal->close());
  }
  const auto refuses = [&](const crypt::Keyring& keys) {
    const auto answer = Journal::open(options_in(dir, keys), participant);
    REQUIRE(refused(answer));
    CHECK(answer.error().code == ENOKEY);
    CHECK(answer.error().message.find("the key aa000000000000000000000000000000") != std::string::npos);
  };
  refuses({});
  refuses({kSecond, {}});
  Secretive again;
  CHECK(readable(*open(options_in(dir, {kFirst, {}}), again)) > 0);  // and nothing has been set aside
}

TEST_CASE("encryption is switched on, changes its key and is switched off, and everything stays readable") {
  const TempDir dir;
  Secretive participant;
  std::uint64_t n = 0;
  const auto one_more = [&](const crypt::Keyring& keys) {
    const auto journal = open(options_in(dir, keys), participant);
    CHECK(readable(*journal) == n);
    const std::uint64_t segments = journal->statistics().segments;
    n = fill(*journal, n, 2);
    CHECK(readable(*journal) == n);
    return segments;
  };
  one_more({});
  one_more({kFirst, {}});
  one_more({kSecond, {kFirst}});
  one_more({nullptr, {kFirst, kSecond}});
  const auto last = open(options_in(dir, {kFirst, {kSecond}}), participant);
  CHECK(readable(*last) == n);
  CHECK(amended(*last) == n / 10);
}

TEST_CASE("what was changed in a frame is noticed, though its checksum was made to fit") {
  const TempDir dir;
  Secretive participant;
  const Options options = options_in(dir, {kFirst, {}});
  {
    const auto journal = open(options, participant);
    std::filesystem::create_directory(options.directory + "/" + sealed_name(1) + ".tmp");  // nothing is sealed
    fill(*journal, 0, 1);
  }
  const std::string path = files(options.directory, ".journal").front();
  const auto opened = open_raw_segment(path, options.keys);
  must(opened);
  const RawSegment& s = opened->segment;
  FrameStream frames(s, s.end, s.size, s.previous);
  auto first = frames.next();
  REQUIRE(first.has_value());
  std::vector<std::byte> good(first->bytes());
  must(s.file->read(good, s.end));
  for (std::size_t at = sizeof(FrameHeader); at < good.size(); at += 5) {
    auto bytes = good;
    bytes[at] ^= std::byte{1};
    const std::uint64_t sum = XXH3_64bits_withSeed(bytes.data() + 8, bytes.size() - 8, checksum_seed(s.header.key));
    std::memcpy(bytes.data(), &sum, sizeof sum);
    must(s.file->write(bytes, s.end));
    CAPTURE(at);
    FrameStream again(s, s.end, s.size, s.previous);
    REQUIRE_FALSE(again.next().has_value());
  }
  must(s.file->write(good, s.end));
  FrameStream again(s, s.end, s.size, s.previous);
  CHECK(again.next().has_value());
}

TEST_CASE("entries that were taken from another frame are noticed, though the checksums were made to fit") {
  const TempDir dir;
  Secretive participant;
  const Options options = options_in(dir, {kFirst, {}});
  {
    const auto journal = open(options, participant);
    std::filesystem::create_directory(options.directory + "/" + sealed_name(1) + ".tmp");  // nothing is sealed
    fill(*journal, 1000, 1);
  }
  const auto opened = open_raw_segment(files(options.directory, ".journal").front(), options.keys);
  must(opened);
  const RawSegment& s = opened->segment;
  FrameStream frames(s, s.end, s.size, s.previous);
  const auto bytes_of_next = [&] {
    const auto frame = frames.next();
    REQUIRE(frame.has_value());
    std::vector<std::byte> bytes(frame->bytes());
    must(s.file->read(bytes, frames.offset()));
    return bytes;
  };
  auto first = bytes_of_next();
  const auto second = bytes_of_next();
  REQUIRE(first.size() == second.size());
  std::copy(second.begin() + sizeof(FrameHeader), second.end(), first.begin() + sizeof(FrameHeader));
  const std::uint64_t sum = XXH3_64bits_withSeed(first.data() + 8, first.size() - 8, checksum_seed(s.header.key));
  std::memcpy(first.data(), &sum, sizeof sum);
  must(s.file->write(first, s.end));
  FrameStream again(s, s.end, s.size, s.previous);
  CHECK_FALSE(again.next().has_value());
}
