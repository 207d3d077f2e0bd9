// Encrypts single records: XChaCha20-Poly1305 (libsodium), so that a record tells nothing without the key, and cannot be changed unseen.
//
//   encrypted   nonce, 24 bytes | tag, 16 bytes | as many bytes as the plain text has
//
// A nonce is 16 random bytes of the Cipher and a count: never the same twice, and no system call. `about` is authenticated, and stored
// nowhere: a record that is taken to another place than it was written for does not decrypt.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace arbiter::crypt {

using CipherKey = std::array<std::uint8_t, 32>;
using KeyId = std::array<std::uint8_t, 16>;  // says which key it was, and nothing about it; zero: none, not encrypted

inline constexpr std::size_t kOverhead = 40;  // bytes that a record takes more

// Any number of threads may use one.
class Cipher {
 public:
  Cipher(const KeyId& id, const CipherKey& key);
  ~Cipher();  // overwrites the key
  Cipher(const Cipher&) = delete;
  Cipher& operator=(const Cipher&) = delete;

  const KeyId& id() const { return id_; }
  const CipherKey& key() const { return key_; }

  // `out` has kOverhead bytes more than `plain`; it may hold it already, kOverhead bytes behind its beginning. About 0.3 us, and 1 ns a
  // byte.
  void encrypt(std::span<const std::byte> plain, std::span<const std::byte> about, std::span<std::byte> out) const;
  // The plain text is in place then, kOverhead bytes behind the beginning. False: it is not what was written there, and useless.
  [[nodiscard]] bool decrypt(std::span<std::byte> record, std::span<const std::byte> about) const;

 private:
  KeyId id_;
  CipherKey key_;
  std::array<std::uint8_t, 16> salt_;
  mutable std::atomic<std::uint64_t> count_{0};
};

// The key to write with, and all to read with. Without any, nothing is encrypted.
class Keyring {
 public:
  Keyring() = default;
  // The first is the one to write with; null: write as it is, and read what was encrypted once.
  Keyring(std::shared_ptr<const Cipher> writing, std::vector<std::shared_ptr<const Cipher>> former);

  const std::shared_ptr<const Cipher>& writing() const { return writing_; }
  std::shared_ptr<const Cipher> find(const KeyId& id) const;  // null: not here

 private:
  std::shared_ptr<const Cipher> writing_;
  std::vector<std::shared_ptr<const Cipher>> all_;
};

}  // namespace arbiter::crypt
