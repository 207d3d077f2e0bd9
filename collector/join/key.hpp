// 128-bit names of ids inside the join: the bytes of a hashed id, or a keyed hash of a plain one.
//
// The hash is XXH3 under a secret drawn at random. It need not hide anything, as neither it nor the secret ever leaves the collector's
// state; it must keep producers from choosing ids that collide, and for that they would have to know the secret, or see hashes. (SipHash,
// which withstands even those who see them, took a sixth of the drain's instructions.)
#pragma once

#include <sodium/randombytes.h>
#include <xxhash.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>

#include "shm/event.hpp"

namespace arbiter::join {

struct Key {
  std::uint64_t low = 0, high = 0;
  bool null() const { return (low | high) == 0; }
  auto operator<=>(const Key&) const = default;
};

class KeyHash {
 public:
  using Seed = std::array<unsigned char, randombytes_SEEDBYTES>;

  KeyHash() {
    Seed seed;
    randombytes_buf(seed.data(), seed.size());
    *this = KeyHash(seed);
  }
  explicit KeyHash(const Seed& seed) : seed_(seed) { randombytes_buf_deterministic(secret_.data(), secret_.size(), seed.data()); }

  const Seed& seed() const { return seed_; }  // gives the same keys again

  Key operator()(const event::Text& id) const {
    Key key;
    if (id.hashed) {
      std::memcpy(&key, id.data, sizeof key);
    } else {
      const XXH128_hash_t hash = XXH3_128bits_withSecret(id.data, id.size, secret_.data(), secret_.size());
      key = {hash.low64, hash.high64};
    }
    if (key.null()) key.low = 1;  // null means: no key
    return key;
  }

 private:
  Seed seed_;
  std::array<unsigned char, 192> secret_;  // as long as XXH3's own
};

// The key of a pair; ordered, so that (a, b) is not (b, a).
inline Key pair_key(const Key& a, const Key& b) { return {a.low ^ (b.low << 1 | b.low >> 63), a.high + 3 * b.high + 1}; }

}  // namespace arbiter::join
