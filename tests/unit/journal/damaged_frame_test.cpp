// A frame damaged on the disk costs that frame, at the next start and at every one after it.
#include <xxhash.h>

#include <fstream>
#include <functional>

#include "collector/journal/sealed_file.hpp"
#include "fixture.hpp"

using namespace arbiter;
using namespace arbiter::journal;
using namespace arbiter::journal::test;

namespace {

// Flips a byte in the body of the segment's frame of this number.
void damage(const std::string& path, std::uint64_t number) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t at = sizeof(RawHeader); at + sizeof(FrameHeader) <= bytes.size();) {
    FrameHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    REQUIRE(header.magic == kFrameMagic);
    if (header.type == FrameType::events && header.number == number) {
      const std::size_t inside = at + sizeof header + header.body_bytes / 2;
      file.clear();
      file.seekp(static_cast<std::streamoff>(inside));
      file.put(static_cast<char>(~bytes[inside]));
      return;
    }
    at += sizeof header + header.body_bytes;
  }
  FAIL("no such frame");
}

std::string from_to(std::uint64_t first, std::uint64_t last) {
  std::string text;
  for (; first <= last; ++first) text += std::to_string(first) + " ";
  return text;
}

std::string sequences(const Journal& journal) {
  std::vector<std::uint64_t> all;
  journal.view()->scan({}, [&](const StoredEvent& e) {
    all.push_back(e.values.sequence);
    return true;
  });
  std::sort(all.begin(), all.end());
  std::string text;
  for (const std::uint64_t sequence : all) text += std::to_string(sequence) + " ";
  return text;
}

}  // namespace

TEST_CASE("what is committed after a start that met a damaged frame in the newest segment is there at the next, closed or killed") {
  for (const bool closed : {true, false})
    for (const bool checkpoint_lost : {false, true}) {
      CAPTURE(closed);
      CAPTURE(checkpoint_lost);
      TempDir dir;
      Options options = options_in(dir, 1 << 20);
      Recorder recorder;
      std::uint64_t sequence = 0;
      const auto commit_one = [&](Journal& journal) {
        ++sequence;
        put(journal, lane(1), generic(sequence, static_cast<std::int64_t>(sequence), "x"), &recorder);
        must(journal.commit());
      };
      {
        auto journal = open(options, recorder);
        for (int i = 0; i < 10; ++i) commit_one(*journal);
        must(journal->checkpoint());
        for (int waits = 0; waits < 1000 && files(dir.journal(), "checkpoint").empty(); ++waits) ::usleep(2000);
        REQUIRE(files(dir.journal(), "checkpoint").size() == 1);
      }
      damage(files(dir.journal(), ".journal").back(), 5);
      std::string expected = "1 2 3 4 6 7 8 9 10 ";
      {
        auto journal = open(options, recorder);
        REQUIRE(sequences(*journal) == expected);
        for (int i = 0; i < 3; ++i) commit_one(*journal);
        if (closed) must(journal->close());
      }
      expected += "11 12 13 ";
      if (checkpoint_lost) std::filesystem::remove(dir.journal() + "/checkpoint");
      for (int start = 0; start < 2; ++start) {
        auto journal = open(options, recorder);
        CHECK(sequences(*journal) == expected);
      }
    }
}

TEST_CASE("a footer whose chunks lie outside the file is no footer: nobody makes room for them, and the blocks say what is there") {
  TempDir dir;
  Options options = options_in(dir, 1 << 20);
  Recorder recorder;
  {
    auto journal = open(options, recorder);
    for (std::uint64_t n = 1; n <= 5; ++n) {
      put(*journal, lane(1), generic(n, static_cast<std::int64_t>(n), "x"), &recorder);
      must(journal->commit());
    }
    must(journal->close());
  }
  const std::string path = files(dir.journal(), ".sealed").at(0);
  std::ifstream in(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  SealedTrailer trailer;
  std::memcpy(&trailer, good.data() + good.size() - sizeof trailer, sizeof trailer);
  constexpr std::size_t kTableOffset = 104, kTableStored = 112, kTableRaw = 120, kFirstBlockStored = 104 + 2 * 56 + 8 + 8;
  for (const std::size_t lie : {kTableOffset, kTableStored, kTableRaw, kFirstBlockStored}) {
    CAPTURE(lie);
    std::string bytes = good;
    const std::uint64_t huge = 0xfffffff0;
    std::memcpy(bytes.data() + trailer.footer_offset + lie, &huge, sizeof huge);
    const std::string_view footer = std::string_view(bytes).substr(trailer.footer_offset, trailer.footer_bytes);
    SealedTrailer forged = trailer;
    forged.footer_checksum = XXH3_64bits(footer.data(), footer.size());
    forged.link = link_of(footer, options.link_key);
    std::memcpy(bytes.data() + bytes.size() - sizeof forged, &forged, sizeof forged);
    std::ofstream(path, std::ios::binary) << bytes;
    const auto sealed = open_sealed(path, options.link_key, test_keys());
    must(sealed);
    CHECK(sealed->footer_lost);
    auto journal = open(options, recorder);
    CHECK(sequences(*journal) == "1 2 3 4 5 ");
  }
}

TEST_CASE("a footer that lies about filters or amendments, with its checksum right, costs no event") {
  TempDir dir;
  Options options = options_in(dir, 1 << 20);
  Recorder recorder;
  {
    auto journal = open(options, recorder);
    event::Values patch = head(Kind::task_execution, 0, 0);
    patch.set_time(field::kStarted, 500);
    for (std::uint64_t n = 1; n <= 5; ++n) {
      const EventRef ref = put(*journal, lane(1), execution(n, static_cast<std::int64_t>(1000 + n), true, std::nullopt), &recorder);
      journal->amend(ref, patch);
      must(journal->commit());
    }
    must(journal->close());
  }
  const std::string path = files(dir.journal(), ".sealed").at(0);
  std::ifstream in(path, std::ios::binary);
  const std::string good{std::istreambuf_iterator<char>(in), {}};
  const auto forge = [&](const std::function<void(std::string&)>& change) {
    SealedTrailer trailer;
    std::memcpy(&trailer, good.data() + good.size() - sizeof trailer, sizeof trailer);
    std::string footer = good.substr(trailer.footer_offset, trailer.footer_bytes);
    change(footer);
    trailer.footer_bytes = footer.size();
    trailer.footer_checksum = XXH3_64bits(footer.data(), footer.size());
    trailer.link = link_of(footer, options.link_key);
    std::string bytes = good.substr(0, trailer.footer_offset) + footer;
    bytes.append(reinterpret_cast<const char*>(&trailer), sizeof trailer);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto sealed = open_sealed(path, options.link_key, test_keys());
    must(sealed);
    auto journal = open(options, recorder);
    CHECK(sequences(*journal) == "1 2 3 4 5 ");
    View::Filter filter;
    filter.task = event::Text(std::string_view("task"));
    CHECK(journal->view()->scan(filter, [](const StoredEvent&) { return true; }).events == 5);
    return sealed->footer_lost;
  };
  const auto store = [](std::string& footer, std::size_t at, std::uint64_t value) {
    std::memcpy(footer.data() + at, &value, sizeof value);
  };
  CHECK_FALSE(forge([](std::string&) {}));
  // The first block: its place (three numbers and a hash), its first and last frame; then where its filter begins, and its words.
  constexpr std::size_t kFirstBlock = 104 + 2 * 56 + 8, kFilterAt = kFirstBlock + 56 + 16, kFilterWords = kFilterAt + 8;
  for (const std::size_t lie : {kFilterAt, kFilterWords}) {
    CAPTURE(lie);
    CHECK_FALSE(forge([&](std::string& footer) { store(footer, lie, 0xfffffff0); }));  // no filter, then: every block is read
  }
  for (const std::size_t count : {std::size_t{104 + 2 * 56}, std::size_t{0}}) {  // of blocks; of words behind the last amendment
    CAPTURE(count);
    CHECK(forge([&](std::string& footer) { count == 0 ? void(footer.append(8, '\0')) : store(footer, count, 1 << 20); }));
  }
}

TEST_CASE(
    "a raw block damaged on the disk while the journal runs leaves as a whole when one of its events is to leave, and is counted once") {
  TempDir dir;
  Options options = options_in(dir, 8 << 20);
  Recorder recorder;
  auto journal = open(options, recorder);
  const std::string data(50'000, ' ');
  for (std::uint64_t n = 1; n <= 40; ++n) {  // twenty to a block
    put(*journal, lane(1), generic(n, static_cast<std::int64_t>(n), "x", "{" + data + "}"), &recorder);
    must(journal->commit());
  }
  damage(files(dir.journal(), ".journal").back(), 5);
  Retention few;
  few.max_events = 37;
  journal->set_retention(few);
  journal->retain(1'000'000);
  CHECK(journal->statistics().retained.events() == 20);
  CHECK(journal->statistics().damaged_blocks == 1);
  CHECK(sequences(*journal) == from_to(21, 40));
  few.max_events = 19;
  journal->set_retention(few);
  journal->retain(1'000'000);
  CHECK(sequences(*journal) == from_to(22, 40));
  CHECK(journal->statistics().damaged_blocks == 1);
}

TEST_CASE("a block across the edge of retention that is damaged before a start is out, as nobody can say what of it is") {
  TempDir dir;
  Options options = options_in(dir, 8 << 20);
  options.retention.max_events = 33;
  const std::string data(50'000, ' ');
  {
    Recorder recorder;
    auto journal = open(options, recorder);
    for (std::uint64_t n = 1; n <= 40; ++n) {
      put(*journal, lane(1), generic(n, static_cast<std::int64_t>(n), "x", "{" + data + "}"), &recorder);
      must(journal->commit());
      journal->retain(1'000'000);
    }
    must(journal->close());
  }
  const std::string path = files(dir.journal(), ".sealed").at(0);
  const auto sealed = open_sealed(path, options.link_key, test_keys());
  must(sealed);
  REQUIRE(sealed->scanned.blocks.size() == 2);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(sealed->scanned.blocks[0].place.offset + 60));
  file << "damaged";
  file.close();
  Recorder recorder;
  auto journal = open(options, recorder);
  CHECK(journal->statistics().damaged_blocks == 1);
  CHECK(journal->statistics().retained.events() == 20);
  CHECK(sequences(*journal) == from_to(21, 40));
}
