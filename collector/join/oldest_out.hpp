// A bounded set of entries, oldest let go first, found by keys that several entries may share.
//
// Entries live in a slab and are named by their slot; slots are reused. Chains of entries with the same key run through the slab, newest
// first.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "collector/join/key.hpp"

namespace arbiter::join {

inline constexpr std::uint32_t kNone = UINT32_MAX;

// Entry has an array `keys` of Key, of Indexes elements; a null key is not indexed.
struct Link {
  std::uint32_t newer = kNone, older = kNone;
};

template <class Entry, std::size_t Indexes>
class OldestOut {
 public:
  explicit OldestOut(std::size_t capacity) : capacity_(capacity) {}

  std::size_t size() const { return size_; }
  bool full() const { return size_ >= capacity_; }
  void set_capacity(std::size_t capacity) { capacity_ = capacity; }
  std::uint32_t oldest() const { return oldest_; }
  Entry& operator[](std::uint32_t slot) { return slots_[slot].entry; }
  const Entry& operator[](std::uint32_t slot) const { return slots_[slot].entry; }

  // The newest entry with this key, and the next older one.
  std::uint32_t find(std::size_t index, const Key& key) const {
    const auto at = maps_[index].find(key);
    return at == maps_[index].end() ? kNone : at->second;
  }
  std::uint32_t next_older(std::size_t index, std::uint32_t slot) const { return slots_[slot].chain[index].older; }

  // The entry must fit: whoever wants room erases oldest() first, and knows what it lets go.
  std::uint32_t insert(Entry entry) {
    std::uint32_t slot;
    if (free_.empty()) {
      slot = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      slot = free_.back();
      free_.pop_back();
    }
    Slot& s = slots_[slot];
    s = Slot{std::move(entry), {}, {newest_, kNone}};
    if (newest_ != kNone) slots_[newest_].age.newer = slot;
    if (oldest_ == kNone) oldest_ = slot;
    s.age.older = newest_;
    s.age.newer = kNone;
    newest_ = slot;
    for (std::size_t i = 0; i < Indexes; ++i) {
      if (s.entry.keys[i].null()) continue;
      const auto [at, fresh] = maps_[i].try_emplace(s.entry.keys[i], slot);
      if (fresh) continue;
      s.chain[i].older = at->second;
      slots_[at->second].chain[i].newer = slot;
      at->second = slot;
    }
    ++size_;
    return slot;
  }

  void erase(std::uint32_t slot) {
    Slot& s = slots_[slot];
    for (std::size_t i = 0; i < Indexes; ++i) {
      if (s.entry.keys[i].null()) continue;
      const Link link = s.chain[i];
      if (link.older != kNone) slots_[link.older].chain[i].newer = link.newer;
      if (link.newer != kNone)
        slots_[link.newer].chain[i].older = link.older;
      else if (link.older != kNone)
        maps_[i][s.entry.keys[i]] = link.older;
      else
        maps_[i].erase(s.entry.keys[i]);
    }
    (s.age.older != kNone ? slots_[s.age.older].age.newer : oldest_) = s.age.newer;
    (s.age.newer != kNone ? slots_[s.age.newer].age.older : newest_) = s.age.older;
    s.entry = Entry{};
    free_.push_back(slot);
    --size_;
  }

  void clear() { *this = OldestOut(capacity_); }

  // From the oldest to the newest.
  template <class Visit>
  void each(Visit visit) const {
    for (std::uint32_t slot = oldest_; slot != kNone; slot = slots_[slot].age.newer) visit(slots_[slot].entry);
  }

 private:
  struct Slot {
    Entry entry;
    Link chain[Indexes];
    Link age;
  };
  std::size_t capacity_;
  std::size_t size_ = 0;
  std::uint32_t oldest_ = kNone, newest_ = kNone;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  boost::unordered_flat_map<Key, std::uint32_t, KeyHash> maps_[Indexes];
};

}  // namespace arbiter::join
