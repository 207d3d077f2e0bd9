#include "collector/crypt/keyring.hpp"

#include <cerrno>

#include "collector/privacy/key.hpp"

namespace arbiter::crypt {
namespace {

Result<std::shared_ptr<const Cipher>> load(const std::string& path) {
  const auto key = privacy::load_key(path);
  if (!key && key.error().code == ENOENT)
    return Error{"encryption key file " + path + ": is not there: put it back, or make a new one with: arbiterctl keygen " + path, ENOENT};
  if (!key) return key.error();
  return std::make_shared<const Cipher>(key->fingerprint(), key->encryption_key());
}

}  // namespace

Result<Keyring> load_keyring(const std::optional<std::string>& writing, const std::vector<std::string>& former) {
  std::shared_ptr<const Cipher> to_write;
  if (writing) {
    auto loaded = load(*writing);
    if (!loaded) return loaded.error();
    to_write = std::move(*loaded);
  }
  std::vector<std::shared_ptr<const Cipher>> others;
  for (const std::string& path : former) {
    auto loaded = load(path);
    if (!loaded) return loaded.error();
    others.push_back(std::move(*loaded));
  }
  return Keyring(std::move(to_write), std::move(others));
}

std::string key_name(const KeyId& id) { return "the key " + privacy::fingerprint_text(id); }

}  // namespace arbiter::crypt
