#include "collector/privacy/key.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>

#include "shm/testpoint.hpp"

namespace arbiter::privacy {
namespace {

constexpr std::string_view kVersion = "arbiter-key-1 ";
constexpr std::size_t kFileBytes = kVersion.size() + 2 * sizeof(KeyBytes) + 1;
constexpr char kPurpose[crypto_kdf_CONTEXTBYTES + 1] = "arbiter1";
constexpr std::string_view kFingerprintOf = "arbiter anonymisation key";

enum SubKey : std::uint64_t { kIds = 1, kLinks = 2, kFingerprints = 3, kEncryption = 4 };

static_assert(sizeof(KeyBytes) == crypto_kdf_KEYBYTES);
static_assert(sizeof(IdKey) == crypto_shorthash_siphashx24_KEYBYTES && sizeof(IdKey) >= crypto_kdf_BYTES_MIN);
static_assert(sizeof(Fingerprint) >= crypto_generichash_BYTES_MIN);

// A descriptor that closes itself.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// The bytes of a key file, wiped after use.
struct FileBytes {
  std::array<char, kFileBytes + 1> bytes{};
  ~FileBytes() { sodium_memzero(bytes.data(), bytes.size()); }
};

template <std::size_t n>
std::array<std::uint8_t, n> derive(const KeyBytes& key, SubKey which) {
  std::array<std::uint8_t, n> out;
  crypto_kdf_derive_from_key(out.data(), out.size(), which, kPurpose, key.data());
  return out;
}

Error says(const std::string& path, std::string_view wrong, std::string_view remedy) {
  return {"key file " + path + ": " + std::string(wrong) + ": " + std::string(remedy)};
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("key file " + path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> fill_random(std::uint8_t* out, std::size_t bytes) {
  for (std::size_t have = 0; have < bytes;) {
    const ssize_t got = ::getrandom(out + have, bytes - have, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("random numbers for a new key");
    have += static_cast<std::size_t>(got);
  }
  return {};
}

Result<void> sync_directory(const std::string& directory) {
  const Descriptor d{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (d.fd < 0 || ::fsync(d.fd) != 0) return system_error("directory " + directory);
  return {};
}

// A file without a name, so that a kill leaves no copy of the key behind. Where the file system has none of these: nothing, and errno.
int unnamed_file_in(const std::string& directory) { return ::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600); }

Result<void> fill_and_sync(int fd, std::string_view content, const std::string& path) {
  if (auto ok = write_all(fd, content, path); !ok) return ok;
  if (::fchmod(fd, 0600) != 0 || ::fsync(fd) != 0) return system_error("key file " + path);
  ARBITER_TESTPOINT("key.written");
  return {};
}

// The same by way of a temporary name.
Result<void> rename_new_file(const std::string& path, std::string_view content) {
  std::array<std::uint8_t, 8> salt;
  if (auto ok = fill_random(salt.data(), salt.size()); !ok) return ok;
  std::array<char, 17> salt_hex;
  sodium_bin2hex(salt_hex.data(), salt_hex.size(), salt.data(), salt.size());
  const std::string temporary = path + ".new-" + salt_hex.data();
  const Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (file.fd < 0) return system_error("key file " + temporary);
  auto made = fill_and_sync(file.fd, content, temporary);
  if (made && ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0)
    made = system_error("key file " + path);
  if (!made) ::unlink(temporary.c_str());
  return made;
}

// The file at `path`, complete, or nothing there.
Result<void> link_new_file(const std::string& path, std::string_view content) {
  const std::string directory = directory_of(path);
  if (const Descriptor file{unnamed_file_in(directory)}; file.fd >= 0) {
    if (auto ok = fill_and_sync(file.fd, content, path); !ok) return ok;
    const std::string self = "/proc/self/fd/" + std::to_string(file.fd);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      if (errno != ENOENT) return system_error("key file " + path);
      if (auto ok = rename_new_file(path, content); !ok) return ok;  // there is no /proc here
    }
  } else if (errno == EOPNOTSUPP || errno == EISDIR) {
    if (auto ok = rename_new_file(path, content); !ok) return ok;
  } else {
    return system_error("key file " + path);
  }
  ARBITER_TESTPOINT("key.linked");
  return sync_directory(directory);
}

}  // namespace

Key::~Key() { sodium_memzero(bytes_.data(), bytes_.size()); }

IdKey Key::id_key() const { return derive<sizeof(IdKey)>(bytes_, kIds); }
LinkKey Key::link_key() const { return derive<sizeof(LinkKey)>(bytes_, kLinks); }
EncryptionKey Key::encryption_key() const { return derive<sizeof(EncryptionKey)>(bytes_, kEncryption); }

Fingerprint Key::fingerprint() const {
  const auto key = derive<32>(bytes_, kFingerprints);
  Fingerprint out;
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(kFingerprintOf.data()), kFingerprintOf.size(),
                     key.data(), key.size());
  return out;
}

std::string fingerprint_text(const Fingerprint& fingerprint) {
  std::string hex(2 * fingerprint.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), fingerprint.data(), fingerprint.size());
  hex.pop_back();
  return hex;
}

Result<Key> load_key(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (file.fd < 0) return system_error("key file " + path);
  struct stat about;
  if (::fstat(file.fd, &about) != 0) return system_error("key file " + path);
  if (!S_ISREG(about.st_mode)) return says(path, "is not a regular file", "name the file that holds the key");
  if (about.st_uid != ::geteuid() && about.st_uid != 0)
    return says(path, "belongs to user " + std::to_string(about.st_uid), "chown it to the user who runs the collector");
  // A service manager gives a credential to the one user it is for by an access list, whose mask shows where the group's bits are.
  const bool credential = about.st_uid == 0 && about.st_gid == 0 && (about.st_mode & 0777) == 0440;
  if ((about.st_mode & 077) != 0 && !credential)
    return says(path, "is open to its group or to others", "chmod 600 it, and make sure that nobody has read it");

  FileBytes content;
  std::size_t size = 0;
  while (size < content.bytes.size()) {
    const ssize_t got = ::read(file.fd, content.bytes.data() + size, content.bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("key file " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  const auto malformed = [&] {
    return says(path, "is not a key of this version (one line, \"arbiter-key-1\" and 64 hex digits)",
                "put back the file that was there, or its backup");
  };
  std::string_view text(content.bytes.data(), size);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.size() != kFileBytes - 1 || !text.starts_with(kVersion)) return malformed();
  text.remove_prefix(kVersion.size());
  KeyBytes bytes;
  std::size_t decoded = 0;
  const int bad = sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &decoded, nullptr);
  Key key(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  if (bad != 0 || decoded != bytes.size()) return malformed();
  return key;
}

Result<Key> create_key(const std::string& path) {
  KeyBytes bytes;
  if (auto ok = fill_random(bytes.data(), bytes.size()); !ok) return ok.error();
  Key key(bytes);
  sodium_memzero(bytes.data(), bytes.size());
  FileBytes content;
  kVersion.copy(content.bytes.data(), kVersion.size());
  sodium_bin2hex(content.bytes.data() + kVersion.size(), 2 * sizeof(KeyBytes) + 1, key.bytes().data(), key.bytes().size());
  content.bytes[kFileBytes - 1] = '\n';
  if (auto ok = link_new_file(path, std::string_view(content.bytes.data(), kFileBytes)); !ok) return ok.error();
  return key;
}

}  // namespace arbiter::privacy
