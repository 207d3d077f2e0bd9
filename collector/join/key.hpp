// 128-bit names of ids inside the join: the bytes of a hashed id, or a keyed hash of a plain one, so that nobody can choose ids that
// collide.
#pragma once

#include <sodium/crypto_shorthash_siphash24.h>

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>

#include "shm/event.hpp"

namespace arbiter::join {

using HashKey = std::array<unsigned char, crypto_shorthash_siphashx24_KEYBYTES>;

struct Key {
  std::uint64_t low = 0, high = 0;
  bool null() const { return (low | high) == 0; }
  auto operator<=>(const Key&) const = default;
};

inline Key key_of(const event::Text& id, const HashKey& secret) {
  Key key;
  if (id.hashed) {
    std::memcpy(&key, id.data, sizeof key);
  } else {
    crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(&key), reinterpret_cast<const unsigned char*>(id.data), id.size,
                                secret.data());
  }
  if (key.null()) key.low = 1;  // null means: no key
  return key;
}

// The key of a pair; ordered, so that (a, b) is not (b, a).
inline Key pair_key(const Key& a, const Key& b) { return {a.low ^ (b.low << 1 | b.low >> 63), a.high + 3 * b.high + 1}; }

}  // namespace arbiter::join
