#include "collector/crypt/stream.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <random>
#include <string>

using namespace arbiter;
using namespace arbiter::crypt;

namespace {

const auto kCipher = std::make_shared<const Cipher>(KeyId{1}, CipherKey{1, 2, 3});
const Keyring kKeys(kCipher, {});

std::string random_text(std::size_t bytes) {
  std::mt19937_64 random(bytes);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}
bool reads(const std::string& encrypted) { return decrypt_text(kKeys, encrypted).has_value(); }

}  // namespace

TEST_CASE("a text of any length comes back, and takes as many bytes as were said") {
  for (const std::size_t size : {0ul, 1ul, kPiece - 1, kPiece, kPiece + 1, 2 * kPiece, 3 * kPiece + 17}) {
    CAPTURE(size);
    const std::string text = random_text(size), encrypted = encrypt_text(*kCipher, text);
    CHECK(encrypted.size() == encrypted_bytes(size));
    CHECK(is_encrypted(encrypted));
    const auto plain = decrypt_text(kKeys, encrypted);
    REQUIRE(plain.has_value());
    CHECK(*plain == text);
  }
  CHECK(encrypt_text(*kCipher, "the same") != encrypt_text(*kCipher, "the same"));
}

TEST_CASE("what was cut off, added, put in another order or changed is refused") {
  const std::string good = encrypt_text(*kCipher, random_text(2 * kPiece + 100));
  REQUIRE(reads(good));
  const std::size_t header = sizeof(StreamHeader), piece = kPiece + kPieceOverhead;
  for (const std::size_t bytes : {std::size_t{0}, header - 1, header, header + 1, header + piece, header + 2 * piece, good.size() - 1})
    CHECK_FALSE(reads(good.substr(0, bytes)));
  CHECK_FALSE(reads(good + "x"));
  CHECK_FALSE(reads(good + good));
  CHECK_FALSE(
      reads(good.substr(0, header) + good.substr(header + piece, piece) + good.substr(header, piece) + good.substr(header + 2 * piece)));
  CHECK_FALSE(reads(good.substr(0, header) + good.substr(header + piece)));
  for (std::size_t at = 0; at < good.size(); at += at < 64 ? 1 : 997) {
    std::string bytes = good;
    bytes[at] ^= 4;
    REQUIRE_FALSE(reads(bytes));
  }
}

TEST_CASE("who has another key is told which one it takes") {
  const Keyring others(std::make_shared<const Cipher>(KeyId{2}, CipherKey{9}), {});
  const auto refused = decrypt_text(others, encrypt_text(*kCipher, "text"));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ENOKEY);
  CHECK(refused.error().message.find("the key 01000000000000000000000000000000") != std::string::npos);
  const auto plain = decrypt_text(kKeys, "plain text, which is long enough to have been a header");
  REQUIRE_FALSE(plain.has_value());
  CHECK(plain.error().code == 0);
}
