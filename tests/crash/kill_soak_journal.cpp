#include "tests/crash/kill_soak_journal.hpp"

#include <algorithm>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/raw_segment.hpp"
#include "collector/journal/sealed_file.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::soak {
namespace {

using namespace journal;

struct Taking {
  JournalRead& read;
  std::uint64_t after;

  void frame(const Frame& frame, const std::string& path) {
    const std::uint64_t number = frame.header.number;
    if (number <= after) return;
    if (read.last_frame != 0 && number != read.last_frame + 1)
      read.wrong.push_back(path + ": frame " + std::to_string(number) + " comes after " + std::to_string(read.last_frame));
    read.last_frame = number;
    read.events += frame.header.events;
    EntryReader entries(frame.body);
    while (entries.next()) {
      if (entries.type() != EntryType::closes) continue;
      Reader in(entries.payload());
      for (std::uint32_t left = entries.count(); left > 0 && in.left() >= sizeof(CloseRecord); --left) {
        const auto record = in.get<CloseRecord>();
        read.closed.push_back({lane_of(record.last.lane), cursor_of(record.last), record.in_flight});
      }
    }
  }

  void raw(const std::string& path) {
    const auto opened = open_raw_segment(path);
    if (!opened) return read.wrong.push_back(opened.error().message);
    ++read.raw;
    const RawSegment& s = opened->segment;
    std::uint64_t last = opened->table.last_frame;
    FrameStream frames(s, s.end, s.size, s.previous);
    while (const auto next = frames.next()) {
      if (next->header.number != last + 1) break;
      last = next->header.number;
      frame(*next, path);
    }
  }

  void sealed(const std::string& path) {
    const auto opened = open_sealed(path, {});  // without the key: the chain is the collector's to check
    if (!opened) return read.wrong.push_back(opened.error().message);
    ++read.sealed;
    BlockBuffer buffer;
    for (std::uint32_t n = 0; n < opened->scanned.blocks.size(); ++n) {
      const auto take = [&](const Frame& f) {
        frame(f, path);
        return true;
      };
      if (!each_frame(*opened->file, opened->scanned.blocks[n].place, n, buffer, take))
        read.wrong.push_back(path + ": block " + std::to_string(n) + " is damaged");
    }
  }
};

}  // namespace

JournalRead read_journal(const std::filesystem::path& directory, std::uint64_t after) {
  JournalRead read;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // by number; a segment's raw file before its sealed one
  Taking taking{read, after};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string ending = files[i].extension();
    if (ending == ".sealed") taking.sealed(files[i]);
    if (ending == ".damaged") read.wrong.push_back(files[i].string() + " was set aside");
    const bool superseded = i + 1 < files.size() && files[i + 1].extension() == ".sealed" && files[i + 1].stem() == files[i].stem();
    if (ending == ".journal" && !superseded) taking.raw(files[i]);
  }
  return read;
}

}  // namespace arbiter::soak
