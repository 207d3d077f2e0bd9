// A picture of the journal at one moment, for one reader.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/index.hpp"
#include "collector/journal/journal.hpp"

namespace arbiter::journal {

class JournalView final : public View {
 public:
  JournalView(Statistics statistics, std::uint64_t losses, const ViewCursor& reach, std::shared_ptr<Damage> damage)
      : statistics_(std::move(statistics)), losses_(losses), reach_(reach), damage_(std::move(damage)) {}
  void add(const Segment& segment);  // in order of index

  const Statistics& statistics() const override { return statistics_; }
  std::uint64_t losses_before() const override { return losses_; }
  ViewCursor reach() const override { return reach_; }
  std::vector<RetainedFrames> retained_frames() const override;
  Scan scan(const Filter& filter, const std::function<bool(const StoredEvent&)>& visit) const override;

 private:
  struct SeenSegment {
    std::shared_ptr<const SegmentFile> file;
    GrowArray<AmendmentPlace> amendments;
  };
  struct SeenBlock {
    std::uint64_t segment;
    std::uint32_t number;
    std::uint32_t kinds;
    std::uint64_t first_frame, last_frame;
    bool whole;  // nothing of it has left
    BlockPlace place;
    EventKey next;
    std::int64_t min_time_ns, max_time_ns;
    GrowArray<AmendmentRef> amendments;
  };
  using Targets = std::multimap<std::pair<std::uint64_t, LaneId>, const AmendmentRef*>;

  bool scan_block(const SeenBlock& block, const Filter& filter, const std::function<bool(const StoredEvent&)>& visit, Scan& result,
                  BlockBuffer& buffer) const;
  bool may_have(const SeenBlock& block, std::uint64_t task_hash) const;
  bool read_patch(const AmendmentRef& ref, std::vector<std::byte>& bytes, event::Values& patch) const;

  Statistics statistics_;
  std::uint64_t losses_;
  ViewCursor reach_;
  std::shared_ptr<Damage> damage_;
  std::map<std::uint64_t, SeenSegment> segments_;
  std::vector<SeenBlock> blocks_;
};

}  // namespace arbiter::journal
