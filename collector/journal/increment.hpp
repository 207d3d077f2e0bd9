// What has been committed since some frame, for one who follows the journal: whole frames in their order, events and amendments as they
// were written, each once. Unlike a View it knows nothing of retention: what is out by now comes too, as long as its frame is there.
//
// Taken on the writer's thread, for about the price of the blocks in it; read on any other. Holds the files that it reads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/index.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::journal {

// Behind which frame to go on, and where that is: a reader who comes back does not read the block again from its beginning.
struct Place {
  std::uint64_t frame = 0;    // the last that was read; 0: none yet
  std::uint64_t segment = 0;  // index of the raw segment it lies in; 0: not known
  std::uint64_t offset = 0;   // behind it
};

class Increment {
 public:
  static constexpr std::size_t kBlocksMax = 1024;  // of one increment; what is left comes with the next

  struct Facts {
    std::int64_t store_unix_ns = 0;          // creation of the store: tells one journal from another
    std::int64_t collection_started_ns = 0;  // that, or the last clear
    std::uint64_t committed = 0;             // the last frame there is
    std::uint64_t losses = 0;                // dropped, refused, quarantined, over all lanes
  };

  const Facts& facts() const { return facts_; }
  bool empty() const { return blocks_.empty(); }
  std::uint64_t first_frame() const { return blocks_.front().first_frame; }  // not of an empty one

  struct Read {
    std::uint64_t missing = 0;                  // frames that are not there any more, or are damaged
    std::int64_t missing_until_ns = INT64_MIN;  // what they held had come by then
  };
  // Calls visit(frame) for each frame behind `place`, in order, and moves it. An error: the system refuses to read on, for now.
  Result<Read> read(Place& place, BlockBuffer& buffer, const std::function<void(const Frame&)>& visit) const;

 private:
  friend class Journal;  // its State
  struct Part {
    std::shared_ptr<const SegmentFile> file;
    std::uint32_t number;
    BlockPlace place;
    std::uint64_t first_frame, last_frame;
  };
  static Result<bool> read_part(const Part& part, Place& place, BlockBuffer& buffer, const std::function<void(const Frame&)>& visit);

  Facts facts_;
  std::vector<Part> blocks_;
};

}  // namespace arbiter::journal
