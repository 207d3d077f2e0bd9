// The keys of encryption, from their files (privacy/key.hpp has their form, and what is refused).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/crypt/cipher.hpp"
#include "shm/result.hpp"

namespace arbiter::crypt {

Result<Keyring> load_keyring(const std::optional<std::string>& writing, const std::vector<std::string>& former);

// "the key 3f2a... " in messages: which one has to be given.
std::string key_name(const KeyId& id);

}  // namespace arbiter::crypt
