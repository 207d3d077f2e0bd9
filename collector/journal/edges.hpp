// Below which key events are out, by the frame that they came in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "collector/journal/format.hpp"

namespace arbiter::journal {

// Everything before `first_frame` is out below `floor`, whatever the edge is now.
struct Era {
  std::uint64_t first_frame = 0;
  EventKey floor = kBeforeAll;
};

class Edges {
 public:
  // The edge in force: it holds for all frames, and only grows until the next era begins.
  const EventKey& edge() const { return edge_; }
  void raise(const EventKey& edge) { edge_ = std::max(edge_, edge); }
  void set(const EventKey& edge) { edge_ = edge; }

  // From this frame on, `edge` is in force; everything before stays out below `floor`.
  void begin_era(std::uint64_t first_frame, const EventKey& floor, const EventKey& edge) {
    while (!eras_.empty() && !(floor < eras_.back().floor)) eras_.pop_back();  // what was before those eras is before this one too
    eras_.push_back({first_frame, floor});
    edge_ = edge;
  }
  EventKey out_below(std::uint64_t frame) const {
    EventKey edge = edge_;
    for (const Era& era : eras_)
      if (frame < era.first_frame) edge = std::max(edge, era.floor);
    return edge;
  }
  // Nothing is there any more of the frames before this one.
  void forget_before(std::uint64_t frame) {
    std::erase_if(eras_, [&](const Era& era) { return era.first_frame <= frame; });
  }
  const std::vector<Era>& eras() const { return eras_; }
  void restore(const EventKey& edge, std::vector<Era> eras) {
    edge_ = edge;
    eras_ = std::move(eras);
  }

 private:
  EventKey edge_ = kBeforeAll;
  std::vector<Era> eras_;  // by first frame; floors descend
};

}  // namespace arbiter::journal
