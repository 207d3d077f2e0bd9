// Hashes of ids that come again and again (agents, types of tasks), so that each is computed once and then found by comparing bytes.
//
// Direct-mapped: an id has one place, and takes it from whoever has it. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace arbiter {

// Hash: trivially copyable.
template <class Hash>
class RecentHashes {
 public:
  // compute(id) must give the same for the same id, until clear().
  template <class Compute>
  Hash of(std::string_view id, Compute&& compute) {
    if (id.size() > kIdBytesMax) return compute(id);
    Place& place = places_[place_of(id)];
    if (place.size == id.size() && std::memcmp(place.id.data(), id.data(), id.size()) == 0) return place.hash;
    place.hash = compute(id);
    place.size = static_cast<std::uint32_t>(id.size());
    std::memcpy(place.id.data(), id.data(), id.size());
    return place.hash;
  }

  void clear() { places_.assign(kPlaces, Place{}); }

 private:
  static constexpr std::size_t kPlaces = 1024;  // the agents of a busy host
  static constexpr std::size_t kIdBytesMax = 44;

  struct Place {
    std::uint32_t size = UINT32_MAX;  // nothing here
    std::array<char, kIdBytesMax> id;
    Hash hash;
  };

  // By its first and last eight bytes; whoever has ids that are alike there computes each hash, as without this.
  static std::size_t place_of(std::string_view id) {
    std::uint64_t first = 0, last = 0;
    if (id.size() >= sizeof first) {
      std::memcpy(&first, id.data(), sizeof first);
      std::memcpy(&last, id.data() + id.size() - sizeof last, sizeof last);
    } else {
      for (const char c : id) first = first << 8 | static_cast<unsigned char>(c);
    }
    const std::uint64_t mixed = (first ^ (last << 23 | last >> 41) ^ id.size()) * 0x9e3779b97f4a7c15;
    return mixed >> 54;
  }

  std::vector<Place> places_ = std::vector<Place>(kPlaces);
};

}  // namespace arbiter
