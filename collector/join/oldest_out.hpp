// A bounded set of entries, oldest let go first, found by keys that several entries may share.
//
// Entries live in a slab and are named by their slot; slots are reused. Each index is a table of cells (open addressing, linear probing)
// that names the newest slot of each key; the older ones of that key hang from it, newest first, so that a key with thousands of entries
// makes no other dearer. A cell holds half of the key's hash beside the slot: an entry that comes or goes touches a line of cells and its
// own slot, and nobody else's. An index takes room by the keys that are in it: one that no entry has a key for stays small. As these tables
// are larger than the caches, what is to go next, and what will be looked for soon, is prefetched.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "collector/join/key.hpp"
#include "collector/large_pages.hpp"

namespace arbiter::join {

inline constexpr std::uint32_t kNone = UINT32_MAX;

// Entry has an array `keys` of Key, of Indexes elements; a null key is not indexed.
template <class Entry, std::size_t Indexes>
class OldestOut {
 public:
  explicit OldestOut(std::size_t capacity) : capacity_(capacity) {
    for (std::size_t i = 0; i < Indexes; ++i) resize(i, kCellsMin);
  }

  std::size_t size() const { return size_; }
  bool full() const { return size_ >= capacity_; }
  void reserve(std::size_t entries) { slots_.reserve(std::min(entries, capacity_)); }  // that will come soon
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }
  std::uint32_t oldest() const { return oldest_; }
  Entry& operator[](std::uint32_t slot) { return slots_[slot].entry; }
  const Entry& operator[](std::uint32_t slot) const { return slots_[slot].entry; }

  // The newest entry with this key, and the next older one.
  std::uint32_t find(std::size_t index, const Key& key) const { return cells_[index][cell_of(index, key)].slot; }
  std::uint32_t next_older(std::size_t index, std::uint32_t slot) const { return slots_[slot].at[index].older; }

  // This key will be looked for, or inserted, soon. (Always inline: to g++ 12 a function that does nothing but prefetch does nothing.)
  [[gnu::always_inline]] void prefetch(std::size_t index, const Key& key) const {
    __builtin_prefetch(&cells_[index][home(index, tag(key))], 1);
  }

  // The entry must fit: whoever wants room erases oldest() first, and knows what it lets go.
  template <class E = Entry>
  std::uint32_t insert(E&& entry) {
#pragma GCC unroll 4
    for (std::size_t i = 0; i < Indexes; ++i)
      if (!entry.keys[i].null() && 2 * keyed_[i] > mask_[i]) grow(i);
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Slot& s = slots_[slot];
    s.entry = std::forward<E>(entry);
    s.newer = kNone;
    s.older = newest_;
    (newest_ != kNone ? slots_[newest_].newer : oldest_) = slot;
    newest_ = slot;
    if (saving_ && unsaved_ == kNone) unsaved_ = slot;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < Indexes; ++i) {
      const Key& key = s.entry.keys[i];
      s.at[i] = {};
      if (key.null()) continue;
      ++keyed_[i];
      Cell& cell = cells_[i][cell_of(i, key)];
      s.at[i].older = cell.slot;
      if (cell.slot != kNone) slots_[cell.slot].at[i].newer = slot;
      cell = {tag(key), slot};
    }
    ++size_;
    return slot;
  }

  void erase(std::uint32_t slot) {
    Slot& s = slots_[slot];
    if (saving_) [[unlikely]]
      leave(slot);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < Indexes; ++i) {
      if (s.entry.keys[i].null()) continue;
      --keyed_[i];
      const Place& at = s.at[i];
      if (at.older != kNone) slots_[at.older].at[i].newer = at.newer;
      if (at.newer != kNone)
        slots_[at.newer].at[i].older = at.older;
      else if (const std::size_t cell = cell_of(i, s.entry.keys[i]); at.older != kNone)
        cells_[i][cell].slot = at.older;
      else
        empty(i, cell);
    }
    (s.older != kNone ? slots_[s.older].newer : oldest_) = s.newer;
    (s.newer != kNone ? slots_[s.newer].older : newest_) = s.older;
    if constexpr (!std::is_trivially_destructible_v<Entry>) s.entry = Entry{};  // gives its memory back
    free_.push_back(slot);
    --size_;
    prefetch_oldest();
  }

  void clear() { *this = OldestOut(capacity_); }

  // From the oldest to the newest.
  template <class Visit>
  void each(Visit visit) const {
    for (std::uint32_t slot = oldest_; slot != kNone; slot = slots_[slot].newer) visit(slots_[slot].entry);
  }

  // Saving in slices, between which entries come and go. What save_some() has told, call after call until it says true, is what is there:
  // put(entry), by age; the n-th, counted from 0, is gone(n) once it has left, and put_again(n, entry) where it has changed.
  void begin_saving() {
    saving_ = true;
    unsaved_ = oldest_;
    told_.assign(slots_.size(), kNone);
    puts_ = 0;
    gone_.clear();
    changed_.clear();
  }
  void end_saving() {
    saving_ = false;
    told_ = gone_ = changed_ = {};
  }
  // Whoever changes an entry in its place says so.
  void changed(std::uint32_t slot) {
    if (saving_ && told(slot) != kNone) changed_.push_back(slot);
  }
  // Until `more` says no, which it is asked before each. True: everything has been told.
  template <class Put, class PutAgain, class Gone, class More>
  bool save_some(Put&& put, PutAgain&& put_again, Gone&& gone, More&& more) {
    told_.resize(slots_.size(), kNone);
    for (const std::uint32_t n : gone_) gone(n);
    for (const std::uint32_t slot : changed_)
      if (told(slot) != kNone) put_again(told(slot), slots_[slot].entry);
    gone_.clear();
    changed_.clear();
    for (; unsaved_ != kNone && more(); unsaved_ = slots_[unsaved_].newer) {
      put(slots_[unsaved_].entry);
      told_[unsaved_] = puts_++;
    }
    return unsaved_ == kNone;
  }

 private:
  static constexpr std::size_t kCellsMin = 64;

  struct Cell {
    std::uint32_t tag = 0;  // of the key
    std::uint32_t slot = kNone;
  };
  struct Place {
    std::uint32_t newer = kNone, older = kNone;  // with the same key
  };
  struct Slot {
    Entry entry;
    Place at[Indexes];
    std::uint32_t newer = kNone, older = kNone;  // of all
  };

  static std::uint32_t tag(const Key& key) { return static_cast<std::uint32_t>(key.low ^ key.high); }  // both are hashes already
  std::size_t home(std::size_t i, std::uint32_t tag) const { return tag & mask_[i]; }
  std::size_t after(std::size_t i, std::size_t cell) const { return (cell + 1) & mask_[i]; }

  // The cell of this key, or the empty one where it would stand.
  std::size_t cell_of(std::size_t i, const Key& key) const {
    const std::uint32_t wanted = tag(key);
    std::size_t at = home(i, wanted);
    for (;; at = after(i, at)) {
      const Cell& cell = cells_[i][at];
      if (cell.slot == kNone || (cell.tag == wanted && slots_[cell.slot].entry.keys[i] == key)) return at;
    }
  }

  // Moves up what stands behind it, as far as it may: no search ends before what it looks for. (Knuth, TAOCP 3, 6.4, algorithm R.)
  void empty(std::size_t i, std::size_t hole) {
    auto& cells = cells_[i];
    const std::size_t mask = mask_[i];
    for (std::size_t at = after(i, hole); cells[at].slot != kNone; at = after(i, at))
      if (((at - home(i, cells[at].tag)) & mask) >= ((at - hole) & mask)) {
        cells[hole] = cells[at];
        hole = at;
      }
    cells[hole] = Cell{};
  }

  std::uint32_t told(std::uint32_t slot) const { return slot < told_.size() ? told_[slot] : kNone; }

  void leave(std::uint32_t slot) {
    if (slot == unsaved_) unsaved_ = slots_[slot].newer;
    if (told(slot) == kNone) return;
    gone_.push_back(std::exchange(told_[slot], kNone));
  }

  void resize(std::size_t i, std::size_t cells) {
    cells_[i].assign(cells, Cell{});
    mask_[i] = cells - 1;
  }

  void grow(std::size_t i) {
    resize(i, cells_[i].size() * 2);
    for (std::uint32_t slot = oldest_; slot != kNone; slot = slots_[slot].newer)
      if (const Key& key = slots_[slot].entry.keys[i]; !key.null() && slots_[slot].at[i].newer == kNone)
        cells_[i][cell_of(i, key)] = {tag(key), slot};
  }

  // The next to go: its cells; the one after it: itself.
  [[gnu::always_inline]] void prefetch_oldest() const {
    if (oldest_ == kNone) return;
    const Slot& next = slots_[oldest_];
#pragma GCC unroll 4
    for (std::size_t i = 0; i < Indexes; ++i) prefetch(i, next.entry.keys[i]);
    if (next.newer == kNone) return;
    const char* const after = reinterpret_cast<const char*>(&slots_[next.newer]);
    for (std::size_t at = 0; at < sizeof(Slot); at += 64) __builtin_prefetch(after + at, 1);
  }

  std::size_t capacity_;
  std::size_t size_ = 0;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
  std::vector<Slot, LargePages<Slot>> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t keyed_[Indexes] = {};                     // entries with a key, of each index
  std::size_t mask_[Indexes] = {};                      // cells of each index, less one
  std::vector<Cell, LargePages<Cell>> cells_[Indexes];  // of each index a power of two, at most half of them taken

  // While it is saved:
  bool saving_ = false;
  std::uint32_t unsaved_ = kNone;       // the oldest that has not been told
  std::uint32_t puts_ = 0;              // that have been told
  std::vector<std::uint32_t> told_;     // by slot: as which of them
  std::vector<std::uint32_t> gone_;     // of them, since the last slice
  std::vector<std::uint32_t> changed_;  // slots, likewise
};

}  // namespace arbiter::join
