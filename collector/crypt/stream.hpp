// Encrypts what is long, a piece at a time: libsodium's secretstream (XChaCha20-Poly1305), in which pieces cannot be changed, left out, put
// in another order or cut off unseen.
//
//   encrypted file   StreamHeader | piece | piece | ... | last piece
//   piece            kPiece bytes of the plain text (the last: fewer, or none), and 17 bytes more
#pragma once

#include <sodium.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "collector/crypt/cipher.hpp"
#include "shm/result.hpp"

namespace arbiter::crypt {

inline constexpr std::size_t kPiece = 64 << 10;
inline constexpr std::size_t kPieceOverhead = crypto_secretstream_xchacha20poly1305_ABYTES;
inline constexpr std::array<std::uint8_t, 8> kStreamMagic{'A', 'R', 'B', 'E', 'N', 'C', '1', '\n'};

struct StreamHeader {
  std::array<std::uint8_t, 8> magic;
  KeyId key;
  std::array<std::uint8_t, 24> start;
};
static_assert(sizeof(StreamHeader) == 48 && sizeof(StreamHeader::start) == crypto_secretstream_xchacha20poly1305_HEADERBYTES);

constexpr std::uint64_t encrypted_bytes(std::uint64_t plain) {
  return sizeof(StreamHeader) + plain + (plain / kPiece + (plain % kPiece != 0 || plain == 0 ? 1 : 0)) * kPieceOverhead;
}

// What it gives, one after the other, is the encrypted file.
class StreamEncryptor {
 public:
  explicit StreamEncryptor(const Cipher& cipher);
  std::string_view header() const { return {reinterpret_cast<const char*>(&header_), sizeof header_}; }  // comes first
  // The pieces that are whole with this; good until the next call.
  std::string_view add(std::string_view plain);
  std::string_view finish();  // the last piece

 private:
  void piece(std::string_view plain, unsigned char tag);

  StreamHeader header_;
  crypto_secretstream_xchacha20poly1305_state state_;
  std::string gathered_, out_;
};

class StreamDecryptor {
 public:
  // Nothing: it is no such header (code 0), or its key is not here (code ENOKEY).
  static Result<StreamDecryptor> begin(std::span<const std::byte> header, const Keyring& keys);
  // Appends the plain text of the next piece, kPiece + kPieceOverhead bytes unless it is the last. False: it is not what was written.
  [[nodiscard]] bool piece(std::string_view encrypted, std::string& plain);
  bool done() const { return done_; }  // the last piece has come

 private:
  StreamHeader header_;
  crypto_secretstream_xchacha20poly1305_state state_;
  bool done_ = false;
};

std::string encrypt_text(const Cipher& cipher, std::string_view plain);
// Trailing bytes that are not part of it are refused. Error code ENOKEY: its key is not here; 0: it is damaged, or not encrypted.
Result<std::string> decrypt_text(const Keyring& keys, std::string_view encrypted);
bool is_encrypted(std::string_view bytes);  // by its first bytes

}  // namespace arbiter::crypt
