// Hides what is set aside in a temporary file: XChaCha20 under a key that nobody else has and that is gone with the object. It is not
// authenticated: who could write to a file without a name could do worse.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace arbiter::crypt {

class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // Hides the bytes that are to lie at this offset of the file, or shows those that do. A place is written once.
  void apply(std::span<std::byte> bytes, std::uint64_t offset) const;

 private:
  std::array<unsigned char, 32> key_;
  std::array<unsigned char, 24> nonce_;
};

}  // namespace arbiter::crypt
