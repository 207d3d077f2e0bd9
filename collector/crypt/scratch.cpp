#include "collector/crypt/scratch.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace arbiter::crypt {
namespace {

constexpr std::size_t kBlock = 64;  // of the cipher

}  // namespace

Scratch::Scratch() {
  randombytes_buf(key_.data(), key_.size());
  randombytes_buf(nonce_.data(), nonce_.size());
}
Scratch::~Scratch() { sodium_memzero(key_.data(), key_.size()); }

void Scratch::apply(std::span<std::byte> bytes, std::uint64_t offset) const {
  const auto within = static_cast<std::size_t>(offset % kBlock);
  if (within != 0) {  // begins in the middle of a block
    std::array<unsigned char, kBlock> block{};
    const std::size_t some = std::min(bytes.size(), kBlock - within);
    std::memcpy(block.data() + within, bytes.data(), some);
    crypto_stream_xchacha20_xor_ic(block.data(), block.data(), block.size(), nonce_.data(), offset / kBlock, key_.data());
    std::memcpy(bytes.data(), block.data() + within, some);
    bytes = bytes.subspan(some);
    offset += some;
  }
  if (bytes.empty()) return;
  auto* const at = reinterpret_cast<unsigned char*>(bytes.data());
  crypto_stream_xchacha20_xor_ic(at, at, bytes.size(), nonce_.data(), offset / kBlock, key_.data());
}

}  // namespace arbiter::crypt
