// Recovery of a journal: the files of a good one, changed as the input says, their checksums made to fit or not. It is opened or refused.
// Opened, it goes on: what is recorded then is there at the next opening, together with everything that was there at the first.
#include <algorithm>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>

#include "tests/fuzz/input.hpp"
#include "tests/fuzz/made_journal.hpp"

namespace arbiter::fuzz {
namespace {

using journal::Journal;
using Files = std::map<std::string, std::string>;

constexpr std::size_t kFileMax = 64 << 10;

// The files as they are at first, and the one an operation is about.
std::string& pick(Files& files, std::uint8_t n) { return std::next(files.begin(), static_cast<std::ptrdiff_t>(n % files.size()))->second; }

// True: files were left out, so that nothing of them can be asked for afterwards.
void change(Files& files, Input& input) {
  const std::uint8_t operation = input.byte() % 8;
  std::string& bytes = pick(files, input.byte());
  const std::size_t at = bytes.empty() ? 0 : input.take<std::uint16_t>() % bytes.size();
  const std::size_t left = bytes.size() - at;
  switch (operation) {
    case 0: {
      const auto value = input.bytes(1u << input.byte() % 5);
      if (value.size() <= left) std::copy(value.begin(), value.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
      break;
    }
    case 1:
      if (left != 0) bytes[at] = static_cast<char>(bytes[at] ^ (1 << input.byte() % 8));
      break;
    case 2: bytes.resize(at); break;
    case 3:
      if (bytes.size() < kFileMax) bytes.append(input.take<std::uint16_t>(), '\0');
      break;
    case 4: {  // a piece of this file, or of another, over this one
      const std::string& from = pick(files, input.byte());
      const std::size_t start = from.empty() ? 0 : input.take<std::uint16_t>() % from.size();
      const std::string piece = from.substr(start, input.take<std::uint16_t>());
      bytes.replace(at, std::min(left, piece.size()), piece);
      break;
    }
    case 5: bytes.erase(at, input.take<std::uint16_t>()); break;
    case 6: {  // little numbers where there are numbers
      const std::size_t aligned = at & ~std::size_t{7};
      const std::uint64_t number = input.byte() % 2 == 0 ? input.byte() : ~std::uint64_t{input.byte()};
      if (aligned + 8 <= bytes.size()) std::memcpy(bytes.data() + aligned, &number, sizeof number);
      break;
    }
    default:  // leaves one out, or gives it another name
      if (files.size() > 1 && input.byte() % 4 == 0) {
        const auto gone = std::next(files.begin(), static_cast<std::ptrdiff_t>(at % files.size()));
        if (input.byte() % 2 == 0) files["00000000000000000009.journal"] = gone->second;
        files.erase(gone);
      }
  }
}

struct Seen {
  std::uint64_t events = 0, scanned = 0, retained = 0;
};

// For whoever looks into an input: ARBITER_FUZZ_SHOW=1 tests/fuzz/run --replay FILE journal
void show(const fs::path& directory, const journal::Statistics& s, const Seen& seen) {
  std::cerr << "opened: handed " << seen.events << ", read " << seen.scanned << ", retained " << seen.retained << ", frames " << s.frames
            << ", damaged blocks " << s.damaged_blocks << ", broken links " << s.broken_links << ", said: " << s.last_failure << "\n";
  for (const auto& entry : fs::directory_iterator(directory))
    std::cerr << "  " << entry.path().filename().string() << " " << entry.file_size() << "\n";
}

// Opens, looks at everything, records `more`. Nothing: it was refused.
std::optional<Seen> go_on(const fs::path& directory, int more, bool close, bool forged = false) {
  Counter counter;
  auto opened = Journal::open(journal_options(directory), counter);
  if (!opened) {
    must(!opened.error().message.empty(), "a refusal says why");
    return std::nullopt;
  }
  Journal& journal = **opened;
  journal.retain(INT64_MIN + 1);
  const auto view = journal.view();
  Seen seen{counter.events, 0, view->statistics().retained.events()};
  view->scan({}, [&](const journal::StoredEvent&) { return ++seen.scanned != 0; });
  if (std::getenv("ARBITER_FUZZ_SHOW") != nullptr) show(directory, journal.statistics(), seen);
  must(forged || seen.scanned <= seen.retained, "a view holds no more than is retained");
  for (int i = 0; i < more; ++i) must(record_one(journal, counter).has_value() || forged, "what was opened can be written");
  if (close) must(journal.close().has_value() || forged, "what was opened can be closed");
  return seen;
}

void run(Input input) {
  static const Files good = made_journal();
  static const Directory directory("journal");
  Files files = good;
  const std::uint8_t how = input.byte();
  while (!input.empty()) change(files, input);
  for (const auto& entry : fs::directory_iterator(directory.path())) fs::remove(entry.path());
  for (auto& [name, bytes] : files) {
    if ((how & 1) != 0) mend(name, bytes);
    write_file(directory.path() / name, bytes);
  }

  const bool forged = (how & 1) != 0;
  const auto first = go_on(directory.path(), 3, (how & 2) != 0, forged);
  if (!first) return;
  const auto second = go_on(directory.path(), 1, (how & 4) != 0, forged);
  if (forged) return;  // it ends, and that is all there is to it
  must(second.has_value(), "what was opened once is opened again");
  must(second->events == first->events + 3, "the participant is handed everything once");
  must(second->scanned == first->scanned + 3, "what was there is there, and what was recorded since");
  const auto third = go_on(directory.path(), 0, false);
  must(third.has_value() && third->scanned == second->scanned + 1, "and once more");
}

}  // namespace

void make_corpus(const fs::path& directory) {
  // checksums, closes | operation file offset operands ...
  const auto put = [&](const char* name, std::initializer_list<int> program) {
    std::string bytes;
    for (const int byte : program) bytes += static_cast<char>(byte);
    write_file(directory / name, bytes);
  };
  put("unchanged", {6});
  put("unchanged-killed", {0});
  put("bit-in-first-sealed", {2, 1, 0, 200, 0, 3});
  put("bit-in-last-raw", {2, 1, 2, 0, 3, 3});
  put("bit-in-checkpoint", {2, 1, 3, 90, 0, 3});
  put("cut-raw", {6, 2, 2, 0, 4});
  put("cut-sealed-footer", {6, 2, 1, 0, 5});
  put("no-checkpoint", {6, 7, 3, 3, 0, 0, 1});
  put("number-in-table", {7, 6, 2, 8, 1, 0, 255});
  put("number-in-frame-header", {7, 6, 2, 136, 0, 1, 1});
  put("number-in-checkpoint", {7, 6, 3, 64, 0, 1, 0});
  put("number-in-footer", {7, 6, 1, 64, 3, 0, 9});
  put("piece-twice", {7, 4, 2, 0, 4, 2, 0, 2, 0, 1});
  put("grown", {6, 3, 2, 0, 0, 0, 16});
  // Found by the fuzzer: a footer that places the table outside its file, where the table's own chunk cannot be told.
  put("table-outside-file", {7,  4,   2,   1,   4,   92, 92,  92,  92, 92,  3,   54,  0,  92, 92, 97, 92, 92, 92, 92, 92,
                             92, 92,  97,  124, 100, 99, 104, 101, 99, 107, 112, 101, 92, 92, 92, 92, 0,  0,  7,  0,  92,
                             92, 164, 163, 163, 160, 92, 92,  92,  41, 255, 255, 92,  92, 92, 92, 93, 0,  6,  1});
}

}  // namespace arbiter::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0 && size <= 512) arbiter::fuzz::run({data, size});
  return 0;
}
