#include "collector/snapshot/decrypt.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "collector/crypt/stream.hpp"
#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/output_file.hpp"
#include "collector/snapshot/verify_manifest.hpp"

namespace arbiter::snapshot {
namespace {

// One file of the snapshot, in the clear; its bytes.
Result<std::uint64_t> decrypt_into(const std::string& from, const std::string& to, const FileInfo& claimed, const crypt::Keyring& keys) {
  const std::string path = from + "/" + claimed.name + std::string(kEncryptedEnding);
  const auto file = journal::File::open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return file.error();
  const auto out = journal::File::open(to + "/" + claimed.name, O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  Sha256 sum;
  std::uint64_t bytes = 0;
  const auto done = decrypt_file(**file, keys, [&](std::string_view piece) -> Result<void> {
    sum.add(piece);
    if (auto ok = (*out)->write(journal::bytes_of(piece), bytes); !ok) return ok;
    bytes += piece.size();
    return {};
  });
  if (!done) return done.error().while_(path);
  if (sum.hex() != claimed.sha256) return Error{path + ": what is in it is not what the manifest says: export again"};
  return bytes;
}

}  // namespace

Result<void> decrypt_file(const journal::File& file, const crypt::Keyring& keys, const TakePlain& take) {
  std::string encrypted(sizeof(crypt::StreamHeader), '\0'), plain;
  const auto room = [&] { return std::as_writable_bytes(std::span(encrypted)); };
  auto got = file.read(room(), 0);
  if (!got) return got.error();
  std::uint64_t offset = *got;
  auto stream = crypt::StreamDecryptor::begin(room().first(*got), keys);
  if (!stream) return stream.error();
  encrypted.resize(crypt::kPiece + crypt::kPieceOverhead);
  for (;;) {
    got = file.read(room(), offset);
    if (!got) return got.error();
    offset += *got;
    if (stream->done()) return *got == 0 ? Result<void>() : Error{"has something behind its end: it was changed"};
    plain.clear();
    if (!stream->piece(std::string_view(encrypted).substr(0, *got), plain)) return Error{"is damaged, or was changed"};
    if (auto ok = take(plain); !ok) return ok;
  }
}

Result<Decrypted> decrypt_snapshot(const std::string& from, const std::string& to, const crypt::Keyring& keys) {
  const auto text = journal::read_file(from + "/" + std::string(kManifestName));
  if (!text) return text.error();
  const auto claims = read_claims(*text);
  if (!claims) return claims.error().while_(from);
  if (::mkdir(to.c_str(), 0700) != 0) return system_error(to);
  Decrypted decrypted;
  const auto made = [&]() -> Result<void> {
    std::string sums;
    for (const FileInfo& claimed : claims->files) {
      if (::access((from + "/" + claimed.name + std::string(kEncryptedEnding)).c_str(), F_OK) == 0) {
        const auto bytes = decrypt_into(from, to, claimed, keys);
        if (!bytes) return bytes.error();
        ++decrypted.files;
        decrypted.bytes += *bytes;
      } else {
        std::error_code failed;
        std::filesystem::copy_file(from + "/" + claimed.name, to + "/" + claimed.name, failed);
        if (failed) return Error{from + "/" + claimed.name + ": " + failed.message(), failed.value()};
      }
      sums += claimed.sha256 + "  " + claimed.name + "\n";
    }
    sums += Sha256::of(*text) + "  " + std::string(kManifestName) + "\n";
    if (auto ok = write_output(to, std::string(kManifestName), *text); !ok) return ok.error();
    if (auto ok = write_output(to, std::string(kSumsName), sums); !ok) return ok.error();
    return {};
  }();
  if (!made) {
    std::error_code ignored;
    std::filesystem::remove_all(to, ignored);
    return made.error();
  }
  return decrypted;
}

}  // namespace arbiter::snapshot
