#include "collector/journal/encryption.hpp"

#include <cerrno>
#include <cstring>

#include "collector/crypt/keyring.hpp"
#include "collector/journal/file.hpp"

namespace arbiter::journal {
namespace {

struct EntryAbout {
  SegmentKey key;
  std::uint64_t frame;
  EntryHeader header;
};
static_assert(sizeof(EntryAbout) == 40);

struct PartAbout {
  SegmentKey key;
  SealedPart what;
  std::uint64_t number;
};
static_assert(sizeof(PartAbout) == 32);

EntryAbout about(const SegmentKey& key, std::uint64_t frame, const EntryHeader& header) {
  return {key, type_of(header) == EntryType::amendment ? 0 : frame, header};
}

}  // namespace

void encrypt_body(std::span<const std::byte> body, const SegmentKey& key, std::uint64_t frame, const crypt::Cipher& cipher,
                  std::span<std::byte> out) {
  while (!body.empty()) {
    EntryHeader header;
    std::memcpy(&header, body.data(), sizeof header);
    std::memcpy(out.data(), &header, sizeof header);
    const EntryAbout authenticated = about(key, frame, header);
    cipher.encrypt(body.subspan(sizeof header + crypt::kOverhead, header.bytes - crypt::kOverhead), object_bytes(authenticated),
                   out.subspan(sizeof header, header.bytes));
    body = body.subspan(sizeof header + header.bytes);
    out = out.subspan(sizeof header + header.bytes);
  }
}

bool decrypt_body(std::span<std::byte> body, const SegmentKey& key, std::uint64_t frame, const crypt::Cipher& cipher) {
  while (!body.empty()) {
    EntryHeader header;
    if (body.size() < sizeof header) return false;
    std::memcpy(&header, body.data(), sizeof header);
    if (!is_encrypted(header) || header.bytes % 8 != 0 || header.bytes > body.size() - sizeof header) return false;
    const EntryAbout authenticated = about(key, frame, header);
    if (!cipher.decrypt(body.subspan(sizeof header, header.bytes), object_bytes(authenticated))) return false;
    body = body.subspan(sizeof header + header.bytes);
  }
  return true;
}

Error unknown_key(const std::string& path, const crypt::KeyId& key) {
  return {path + ": is encrypted under " + crypt::key_name(key) +
              ", which is not among those given: name its file in encryption.key_file or encryption.former_key_file",
          ENOKEY};
}

void encrypt_part(std::span<const std::byte> plain, const SegmentKey& key, SealedPart what, std::uint64_t number,
                  const crypt::Cipher& cipher, std::span<std::byte> out) {
  const PartAbout authenticated{key, what, number};
  cipher.encrypt(plain, object_bytes(authenticated), out);
}

bool decrypt_part(std::span<std::byte> record, const SegmentKey& key, SealedPart what, std::uint64_t number, const crypt::Cipher& cipher) {
  const PartAbout authenticated{key, what, number};
  return cipher.decrypt(record, object_bytes(authenticated));
}

}  // namespace arbiter::journal
