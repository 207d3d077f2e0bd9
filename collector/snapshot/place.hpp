// Where a snapshot is built: the directory, and whether what is put there is encrypted.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "collector/crypt/cipher.hpp"

namespace arbiter::snapshot {

struct Place {
  std::string directory;
  std::shared_ptr<const crypt::Cipher> cipher = nullptr;  // null: it is not

  Place(std::string in, std::shared_ptr<const crypt::Cipher> with = nullptr) : directory(std::move(in)), cipher(std::move(with)) {}
  Place(const char* in) : directory(in) {}
};

// Encrypted, a file has this behind its name (crypt/stream.hpp). The manifest describes what is in it, under the name without.
inline constexpr std::string_view kEncryptedEnding = ".enc";

}  // namespace arbiter::snapshot
