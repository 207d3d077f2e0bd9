// Which events are retained, and their sums: exact to the event, without keeping the events.
//
// Every block knows the sums of its retained events (`live`) and the key of the oldest of them (`next`). A set orders the blocks by it.
// When the edge moves, blocks that lie below it leave by their sums; in a block that the edge goes through, events leave one by one: the
// block is read, and a window of its oldest events is kept until the edge has passed it.
//
// Invariants: each retained event is at or above the edge of its era; an event of a block is retained if its key is not below the block's
// `next`.
//
// Not thread-safe: belongs to the writer.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "collector/journal/block_reader.hpp"
#include "collector/journal/index.hpp"

namespace arbiter::journal {

// The oldest retained events of a block, in order.
struct Window {
  struct Entry {
    std::int64_t time_ns;
    std::uint64_t sequence;
    std::int64_t duration_ns;  // -1: none
    std::uint32_t lane;        // in `lanes`
    std::uint16_t name;        // in `names`; generic events alone
    std::uint8_t kind;
    bool success;
  };
  std::vector<LaneId> lanes;
  std::vector<std::string_view> names;  // of the registry
  std::vector<Entry> entries;
  std::size_t head = 0;   // those before have left
  bool complete = false;  // nothing of the block is behind the last entry

  bool empty() const { return head == entries.size(); }
  EventKey key(const Entry& e) const { return {e.time_ns, lanes[e.lane], e.sequence}; }
};

class Retained {
 public:
  Retained(Segments& segments, const GenericNames& names, Damage& damage) : segments_(segments), names_(names), damage_(damage) {}

  const Totals& totals() const { return totals_; }
  std::uint64_t events() const { return events_; }

  // Events of one frame come in; `body`: its entries.
  void add(Block& block, const Summary& frame, const EventKey& frame_edge, std::span<const std::byte> body);
  // Recovery: a block of which is known what was appended, and below which key its events are out. Error: it is not damaged, but the system
  // refuses to read it.
  Result<void> restore(Block& block, const Totals& appended, const EventKey& edge);

  bool below(const EventKey& edge);  // is anything retained below this edge?
  // Both stop early at a block that the system refuses to read: it stays as it is, until the next call.
  bool advance(const EventKey& edge);       // what is below leaves; true if anything did
  EventKey trim(std::uint64_t max_events);  // the oldest leave until no more than these are left; the edge below which they all were
  void drop(Block& block);                  // all of it leaves

  // The target is retained if its block (found by its frame) is there and holds it.
  bool holds(const Block& block, const EventKey& key) const { return block.live_events != 0 && !(key < block.next); }
  // An execution of the block, one without a start so far, is given this duration.
  void give_duration(Block& block, const EventKey& key, std::int64_t duration_ns);

 private:
  static constexpr std::size_t kWindowBudget = 1 << 20;  // entries, over all blocks
  static constexpr std::size_t kWindowMin = 64;

  using Order = std::set<std::pair<EventKey, Block*>>;

  Result<void> load(Block& block);  // the window, from block.next on
  void take(Block& block, const Window::Entry& entry);
  void leave(Block& block);  // all that is left of it
  void close_window(Block& block);
  void shrink_windows(Block& current, std::size_t entries_max);
  // Pops events while they are below `edge` and `left` is not used up. Gives the edge below which they were. The block is not in order_
  // meanwhile. A block that the system refuses to read sets refused_.
  EventKey pop(Block& block, const EventKey& edge, std::uint64_t& left);
  Window::Entry entry_of(Window& window, const LaneId& lane, const event::Values& stored) const;
  void reinsert(Block& block) {
    if (block.live_events != 0) order_.emplace(block.next, &block);
  }

  Segments& segments_;
  const GenericNames& names_;
  Damage& damage_;
  Totals totals_;
  std::uint64_t events_ = 0;
  Order order_;  // blocks with retained events, by the oldest of each
  std::size_t windows_ = 0, window_entries_ = 0;
  bool refused_ = false;
  BlockBuffer buffer_;
};

// The smallest key above `key`.
inline EventKey successor(EventKey key) {
  if (++key.sequence == 0 && ++key.lane.lane == 0) ++key.time_ns, key.lane = {};
  return key;
}

}  // namespace arbiter::journal
