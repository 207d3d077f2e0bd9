// The key that anonymisation goes by, in a file of its own; and that of encryption at rest, in another of the same form.
//
//   arbiter-key-1 <64 hex digits>\n          the whole file; mode 0600, owned by who runs the collector
//
// It is made on first start, from the kernel's random numbers, and never changed. Who loses it can no longer find a task by its raw id and
// starts a second world of hashes; who gives it away gives away the ids. The version in front leaves room for files of several keys.
//
// Nothing uses the 32 bytes themselves: each purpose has a sub-key of its own (crypto_kdf, BLAKE2b), so that what one gives away says
// nothing of another.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "shm/result.hpp"

namespace arbiter::privacy {

using KeyBytes = std::array<std::uint8_t, 32>;
using IdKey = std::array<std::uint8_t, 16>;
using LinkKey = std::array<std::uint8_t, 32>;
using EncryptionKey = std::array<std::uint8_t, 32>;
using Fingerprint = std::array<std::uint8_t, 16>;

class Key {
 public:
  explicit Key(const KeyBytes& bytes) : bytes_(bytes) {}
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key();  // overwrites the bytes

  IdKey id_key() const;                  // of the ids' hashes: SipHash-2-4-128
  LinkKey link_key() const;              // of the links between the journal's footers
  EncryptionKey encryption_key() const;  // of what is encrypted on disk
  Fingerprint fingerprint() const;       // says which key it was, and nothing about it
  const KeyBytes& bytes() const { return bytes_; }

 private:
  KeyBytes bytes_;
};

// Lower-case hex, as in manifests.
std::string fingerprint_text(const Fingerprint& fingerprint);

// Reads the key. Refused, with what to do about it: no such file (code ENOENT), not a regular file, owned by another user (but root),
// readable or writable by group or others (but for a credential: root:root, mode 0440), not of the form above.
Result<Key> load_key(const std::string& path);

// Makes a new key and its file. Complete or absent: written under another name, synced, then linked. Code EEXIST where there is one
// already.
Result<Key> create_key(const std::string& path);

}  // namespace arbiter::privacy
