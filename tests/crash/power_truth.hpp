// What a log says was journalled, and what of it was promised to outlast a power cut: a frame whose file had been synced after it was
// written, and whose directory had been synced after it had its name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/journal/journal.hpp"
#include "tests/crash/power_disk.hpp"

namespace arbiter::power {

inline constexpr std::string_view kJournal = "/state/journal/";

struct TrueFrame {
  std::vector<EventKey> events;
  std::map<LaneId, journal::Cursor> lanes;  // after it
  journal::ClosedLanes closed;              // after it
  std::uint64_t events_so_far = 0;          // since the store was made
  std::uint64_t cleared_by = 0;             // number of the last frame up to it that forgets all before; 0: none
};

class Truth {
 public:
  // The next entry of the log; `disk` has taken it already.
  void apply(const Entry& entry, const Disk& disk);

  std::uint64_t written() const { return frames_.size(); }
  std::uint64_t promised() const { return promised_; }
  const TrueFrame& after(std::uint64_t frame) const;                  // 0: before the first
  std::uint64_t published() const { return published_; }              // newest snapshot of which somebody was told
  std::optional<std::uint64_t> limit() const { return limit_; }       // smallest limit of events so far
  const std::vector<std::string>& broken() const { return broken_; }  // promises made too early

 private:
  struct Waiting {  // a frame that is not promised yet
    std::uint64_t number;
    std::shared_ptr<const Disk::Node> file;
    std::string path;
    std::uint64_t call;  // of the file
  };
  void take_frame(const Entry& entry, const Disk& disk);
  void take_mark(std::string_view text);

  std::map<std::uint64_t, std::array<std::uint8_t, 16>> keys_;  // by inode
  std::vector<TrueFrame> frames_;
  std::vector<Waiting> waiting_;
  std::map<LaneId, std::uint64_t> promised_events_;
  std::uint64_t promised_ = 0, published_ = 0;
  std::optional<std::uint64_t> limit_;
  std::vector<std::string> broken_;
};

}  // namespace arbiter::power
