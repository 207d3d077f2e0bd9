#include "collector/crypt/cipher.hpp"

#include <sodium.h>

#include <cstring>
#include <utility>

namespace arbiter::crypt {
namespace {

constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(kNonce + kTag == kOverhead && sizeof(CipherKey) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

const unsigned char* chars(const std::byte* at) { return reinterpret_cast<const unsigned char*>(at); }
unsigned char* chars(std::byte* at) { return reinterpret_cast<unsigned char*>(at); }

}  // namespace

Cipher::Cipher(const KeyId& id, const CipherKey& key) : id_(id), key_(key) { randombytes_buf(salt_.data(), salt_.size()); }
Cipher::~Cipher() { sodium_memzero(key_.data(), key_.size()); }

void Cipher::encrypt(std::span<const std::byte> plain, std::span<const std::byte> about, std::span<std::byte> out) const {
  const std::uint64_t count = count_.fetch_add(1, std::memory_order_relaxed);  // no other memory goes by it
  std::memcpy(out.data(), salt_.data(), salt_.size());
  std::memcpy(out.data() + salt_.size(), &count, sizeof count);
  static_assert(sizeof(salt_) + sizeof count == kNonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt_detached(chars(out.data() + kOverhead), chars(out.data() + kNonce), nullptr,
                                                      chars(plain.data()), plain.size(), chars(about.data()), about.size(), nullptr,
                                                      chars(out.data()), key_.data());
}

bool Cipher::decrypt(std::span<std::byte> record, std::span<const std::byte> about) const {
  if (record.size() < kOverhead) return false;
  std::byte* const text = record.data() + kOverhead;
  return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(chars(text), nullptr, chars(text), record.size() - kOverhead,
                                                             chars(record.data() + kNonce), chars(about.data()), about.size(),
                                                             chars(record.data()), key_.data()) == 0;
}

Keyring::Keyring(std::shared_ptr<const Cipher> writing, std::vector<std::shared_ptr<const Cipher>> former)
    : writing_(std::move(writing)), all_(std::move(former)) {
  if (writing_ != nullptr) all_.insert(all_.begin(), writing_);
}

std::shared_ptr<const Cipher> Keyring::find(const KeyId& id) const {
  for (const auto& cipher : all_)
    if (cipher->id() == id) return cipher;
  return nullptr;
}

}  // namespace arbiter::crypt
