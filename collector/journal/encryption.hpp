// How a segment is encrypted whose header names a key: each entry of a frame by itself, so that what has to be found in the file lies in it
// where it lies in memory, and an amendment can be read without its frame.
//
//   entry      EntryHeader with kEncryptedEntry in its type | nonce and tag, crypt::kOverhead bytes | the payload, encrypted
//
// Authenticated with it: the segment's key, the number of the frame (0 of an amendment, which sealing takes out of its frame) and the
// header. In memory, decrypted, an entry keeps the room of nonce and tag: EntryReader passes over it.
#pragma once

#include <span>
#include <string>

#include "collector/crypt/cipher.hpp"
#include "collector/journal/format.hpp"
#include "shm/result.hpp"

namespace arbiter::journal {

// From one frame's body to another of the same size. The entries add up: they are a FrameWriter's.
void encrypt_body(std::span<const std::byte> body, const SegmentKey& key, std::uint64_t frame, const crypt::Cipher& cipher,
                  std::span<std::byte> out);
// In place. False: it is not what was written there.
[[nodiscard]] bool decrypt_body(std::span<std::byte> body, const SegmentKey& key, std::uint64_t frame, const crypt::Cipher& cipher);

inline constexpr std::size_t kOverheadWords = crypt::kOverhead / sizeof(std::uint64_t);

// "under which key" where that is not among those given; code ENOKEY.
Error unknown_key(const std::string& path, const crypt::KeyId& key);

// What lies in a sealed segment beside the entries; `what` says which part of it.
enum class SealedPart : std::uint64_t { block = 1, filter = 2, footer = 3 };
void encrypt_part(std::span<const std::byte> plain, const SegmentKey& key, SealedPart what, std::uint64_t number,
                  const crypt::Cipher& cipher, std::span<std::byte> out);
[[nodiscard]] bool decrypt_part(std::span<std::byte> record, const SegmentKey& key, SealedPart what, std::uint64_t number,
                                const crypt::Cipher& cipher);

}  // namespace arbiter::journal
