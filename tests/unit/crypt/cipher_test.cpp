#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "collector/crypt/cipher.hpp"

using namespace arbiter::crypt;

namespace {

const CipherKey kKey{1, 2, 3};
std::span<const std::byte> bytes(std::string_view s) { return std::as_bytes(std::span(s)); }

std::vector<std::byte> encrypted(const Cipher& cipher, std::string_view plain, std::string_view about) {
  std::vector<std::byte> record(kOverhead + plain.size());
  cipher.encrypt(bytes(plain), bytes(about), record);
  return record;
}
std::string plain_of(const std::vector<std::byte>& record) {
  return {reinterpret_cast<const char*>(record.data()) + kOverhead, record.size() - kOverhead};
}

}  // namespace

TEST_CASE("a record comes back under its key, and with what it was said to be about") {
  const Cipher cipher({1}, kKey);
  for (const std::size_t size : {0ul, 1ul, 7ul, 64ul, 1000ul, 70'000ul}) {
    const std::string text(size, 'x');
    auto record = encrypted(cipher, text, "here");
    CHECK((size < 7 || plain_of(record).find(text) == std::string::npos));
    REQUIRE(cipher.decrypt(record, bytes("here")));
    CHECK(plain_of(record) == text);
  }
}

TEST_CASE("each bit of a record counts, and so does its place, and its key") {
  const Cipher cipher({1}, kKey), other({2}, CipherKey{1, 2, 4});
  const auto good = encrypted(cipher, "a text", "here");
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    auto record = good;
    record[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
    REQUIRE_FALSE(cipher.decrypt(record, bytes("here")));
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    std::vector<std::byte> record(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(cut));
    REQUIRE_FALSE(cipher.decrypt(record, bytes("here")));
  }
  auto elsewhere = good, by_other = good;
  CHECK_FALSE(cipher.decrypt(elsewhere, bytes("there")));
  CHECK_FALSE(other.decrypt(by_other, bytes("here")));
}

TEST_CASE("no nonce comes twice, from whichever thread and whichever Cipher of the key") {
  const Cipher one({1}, kKey), another({1}, kKey);
  std::vector<std::vector<std::string>> nonces(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < nonces.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        const auto record = encrypted(t < 2 ? one : another, "", "");
        nonces[t].emplace_back(reinterpret_cast<const char*>(record.data()), 24);
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> all;
  for (const auto& some : nonces) all.insert(some.begin(), some.end());
  CHECK(all.size() == 4000);
}

TEST_CASE("a keyring finds keys by their id, the one to write with among them") {
  const auto now = std::make_shared<const Cipher>(KeyId{1}, kKey), before = std::make_shared<const Cipher>(KeyId{2}, kKey);
  const Keyring keys(now, {before});
  CHECK(keys.writing() == now);
  CHECK(keys.find({1}) == now);
  CHECK(keys.find({2}) == before);
  CHECK(keys.find({3}) == nullptr);
  CHECK(Keyring().writing() == nullptr);
  CHECK(Keyring(nullptr, {before}).find({2}) == before);
}
