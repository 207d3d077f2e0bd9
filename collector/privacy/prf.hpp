// What stands for an id: SipHash-2-4 with 128 bits of output, keyed. A pseudo-random function: without the key, a hash says nothing of the
// id, not even whether a guess was right. Made for short inputs, where a hash like BLAKE2b pays its whole block for each id.
#pragma once

#include <sodium/crypto_shorthash_siphash24.h>

#include <string_view>

#include "collector/privacy/key.hpp"
#include "shm/event.hpp"

namespace arbiter::privacy {

class Prf {
 public:
  explicit Prf(const IdKey& key) : key_(key) {}

  // Writes event::kHashBytes bytes.
  void operator()(std::string_view id, void* out) const {
    static_assert(crypto_shorthash_siphashx24_BYTES == event::kHashBytes);
    crypto_shorthash_siphashx24(static_cast<unsigned char*>(out), reinterpret_cast<const unsigned char*>(id.data()), id.size(),
                                key_.data());
  }

 private:
  IdKey key_;
};

}  // namespace arbiter::privacy
