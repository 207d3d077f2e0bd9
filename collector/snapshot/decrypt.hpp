// Snapshots that were encrypted (publish.hpp): their files one by one, and as a whole.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "collector/crypt/cipher.hpp"
#include "collector/journal/file.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Gives `take` the plain text of an encrypted file, piece by piece, each checked before it is given. An error: code ENOKEY, its key is not
// here; else it cannot be read, is not encrypted or is damaged, or `take` said no; the pieces given until then are what was written.
using TakePlain = std::function<Result<void>(std::string_view piece)>;
Result<void> decrypt_file(const journal::File& file, const crypt::Keyring& keys, const TakePlain& take);

struct Decrypted {
  std::uint64_t files = 0, bytes = 0;  // decrypted, of plain text
};

// Makes the directory `to`, of mode 0700, and in it the snapshot that lies encrypted in `from`: what a collector without a key would have
// made, byte for byte, but for README.md. The files are those that the manifest names, and are held against its sums. On an error nothing
// of it is left.
Result<Decrypted> decrypt_snapshot(const std::string& from, const std::string& to, const crypt::Keyring& keys);

}  // namespace arbiter::snapshot
