#include "collector/privacy/key.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "collector/privacy/prf.hpp"

using namespace arbiter;
using namespace arbiter::privacy;

// Some file systems have no files without a name, and some places no /proc: as the tests want it.
namespace {
bool no_unnamed_files = false, no_proc = false;
}
extern "C" int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : mode_t{0};
  va_end(more);
  if (no_unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) return errno = EOPNOTSUPP, -1;
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
extern "C" int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) noexcept {
  if (no_proc) return errno = ENOENT, -1;
  return static_cast<int>(::syscall(SYS_linkat, from_fd, from, to_fd, to, flags));
}

namespace {

struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "arbiter-key-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  std::string key() const { return (path / "anonymization.key").string(); }
};

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
}

std::string zeros_key() { return "arbiter-key-1 " + std::string(64, '0') + "\n"; }

}  // namespace

TEST_CASE("the hash of an id is SipHash-2-4-128, as its reference says") {
  // From the authors' vectors (vectors_sip128): key 00 01 .. 0f, message 00 01 .. n-1.
  IdKey key;
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  const auto hash = [&](std::size_t bytes) {
    std::string message;
    for (std::size_t i = 0; i < bytes; ++i) message += static_cast<char>(i);
    std::array<char, 16> out;
    Prf{key}(message, out.data());
    return event::Text::hash(out.data()).shown();
  };
  CHECK(hash(0) == "anon-a3817f04ba25a8e66df67214c7550293");
  CHECK(hash(1) == "anon-da87c1d86b99af44347659119b22fc45");
  CHECK(hash(2) == "anon-8177228da4a45dc7fca38bdef60affe4");
  CHECK(hash(15) == "anon-5493e99933b0a8117e08ec0f97cfc3d9");
}

TEST_CASE("a new key is made whatever the file system lacks, never over one that is there, and leaves nothing beside it") {
  struct Lacking {
    Lacking(bool files, bool proc) { no_unnamed_files = files, no_proc = proc; }
    ~Lacking() { no_unnamed_files = no_proc = false; }
  };
  for (const auto& [files, proc] : {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}}) {
    const Lacking lacking(files, proc);
    const Directory directory;
    const auto made = create_key(directory.key());
    REQUIRE(made.has_value());
    const std::string text = read(directory.key());
    const auto again = create_key(directory.key());
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error().code == EEXIST);
    CHECK(read(directory.key()) == text);
    struct stat about {};
    REQUIRE(::stat(directory.key().c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    CHECK(about.st_nlink == 1);
    std::size_t names = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path)) ++names;
    CHECK(names == 1);
  }
}

TEST_CASE("a new key file is private, of one line, and reads back as the key that was made") {
  const Directory directory;
  const auto made = create_key(directory.key());
  REQUIRE(made.has_value());
  struct stat about;
  REQUIRE(::stat(directory.key().c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0600);
  const std::string text = read(directory.key());
  CHECK(text.size() == 79);
  CHECK(text.starts_with("arbiter-key-1 "));
  CHECK(text.ends_with("\n"));
  const auto loaded = load_key(directory.key());
  REQUIRE(loaded.has_value());
  CHECK(loaded->bytes() == made->bytes());
  CHECK(loaded->fingerprint() == made->fingerprint());
  // Nothing else is left in the directory.
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path), {}) == 1);
}

TEST_CASE("two new keys differ") {
  const Directory one, two;
  CHECK(create_key(one.key())->bytes() != create_key(two.key())->bytes());
}

TEST_CASE("a key that is there is never replaced") {
  const Directory directory;
  REQUIRE(create_key(directory.key()).has_value());
  const std::string before = read(directory.key());
  const auto again = create_key(directory.key());
  REQUIRE(again.has_error());
  CHECK(again.error().code == EEXIST);
  CHECK(read(directory.key()) == before);
}

TEST_CASE("of many that make the key at once one wins, and all read the same") {
  const Directory directory;
  std::vector<std::thread> threads;
  std::array<int, 8> made{};
  for (std::size_t i = 0; i < made.size(); ++i) threads.emplace_back([&, i] { made[i] = create_key(directory.key()).has_value() ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  int winners = 0;
  for (const int m : made) winners += m;
  CHECK(winners == 1);
  CHECK(load_key(directory.key()).has_value());
  CHECK(std::distance(std::filesystem::directory_iterator(directory.path), {}) == 1);
}

TEST_CASE("the sub-keys and the fingerprint come from the key alone, each another") {
  KeyBytes zeros{};
  const Key key(zeros);
  zeros[31] = 1;
  const Key other(zeros);
  CHECK(key.id_key() == Key(key).id_key());
  CHECK(key.id_key() != other.id_key());
  CHECK(key.link_key() != other.link_key());
  CHECK(key.fingerprint() != other.fingerprint());
  CHECK(key.fingerprint() != key.id_key());
  // Fixed for ever: a change here would cut every store off from its ids. (The figures are Python's hashlib.blake2b's.)
  CHECK(fingerprint_text(key.id_key()) == "9100502e8fd1ffa52ad24ebb65f7225e");
  const LinkKey link = key.link_key();
  CHECK(link[0] == 0xbb);
  CHECK(link[31] == 0x25);
  CHECK(fingerprint_text(key.fingerprint()) == "03a855030f1755fd2847b4df8ecd25ee");
}

TEST_CASE("a missing key is an error of its own kind") {
  const Directory directory;
  const auto key = load_key(directory.key());
  REQUIRE(key.has_error());
  CHECK(key.error().code == ENOENT);
  CHECK(key.error().message == "key file " + directory.key() + ": No such file or directory");
}

TEST_CASE("a key file that others could have read is refused, and the error says what to do") {
  const Directory directory;
  for (const mode_t mode : {0640u, 0604u, 0660u, 0620u, 0610u}) {
    write(directory.key(), zeros_key());
    REQUIRE(::chmod(directory.key().c_str(), mode) == 0);
    const auto key = load_key(directory.key());
    REQUIRE(key.has_error());
    CHECK(key.error().message ==
          "key file " + directory.key() + ": is open to its group or to others: chmod 600 it, and make sure that nobody has read it");
  }
  REQUIRE(::chmod(directory.key().c_str(), 0400) == 0);
  CHECK(load_key(directory.key()).has_value());
}

TEST_CASE("a credential, which root's group may read and an access list opens to one user, is a key; another group's file is none") {
  if (::geteuid() != 0) {
    MESSAGE("not run: only root can give a file away");
    return;
  }
  const Directory directory;
  write(directory.key(), zeros_key());
  REQUIRE(::chown(directory.key().c_str(), 0, 0) == 0);
  REQUIRE(::chmod(directory.key().c_str(), 0440) == 0);
  CHECK(load_key(directory.key()).has_value());
  REQUIRE(::chown(directory.key().c_str(), 0, 1) == 0);
  CHECK(load_key(directory.key()).has_error());
}

TEST_CASE("a key file of another user is refused") {
  if (::geteuid() != 0) {
    MESSAGE("not run: only root can give a file away");
    return;
  }
  const Directory directory;
  write(directory.key(), zeros_key());
  REQUIRE(::chown(directory.key().c_str(), 12345, 12345) == 0);
  const auto key = load_key(directory.key());
  REQUIRE(key.has_error());
  CHECK(key.error().message.find("belongs to user 12345: chown it") != std::string::npos);
}

TEST_CASE("what is no key file of this version is refused, whatever it is") {
  const Directory directory;
  const auto refused = [&] {
    const auto key = load_key(directory.key());
    REQUIRE(key.has_error());
    return key.error().message;
  };
  const std::string hex(64, 'a');
  for (const std::string& text : {std::string(), std::string("\n"), hex + "\n", "arbiter-key-2 " + hex + "\n",
                                  "arbiter-key-1 " + hex.substr(1) + "\n", "arbiter-key-1 " + hex + "a\n", "arbiter-key-1 " + hex + "\n\n",
                                  "arbiter-key-1 " + hex + "\narbiter-key-1 " + hex + "\n", "arbiter-key-1 " + hex.substr(1) + "g\n",
                                  "arbiter-key-1 " + hex.substr(2) + " a\n", "arbiter-key-1  " + hex + "\n", std::string(100'000, 'x')}) {
    CAPTURE(text);
    write(directory.key(), text);
    CHECK(refused().find("is not a key of this version") != std::string::npos);
  }
  std::filesystem::remove(directory.key());
  std::filesystem::create_directory(directory.key());
  CHECK(refused().find("is not a regular file") != std::string::npos);
  std::filesystem::remove(directory.key());
  REQUIRE(::mkfifo(directory.key().c_str(), 0600) == 0);
  CHECK(refused().find("is not a regular file") != std::string::npos);  // and it does not hang
  write(directory.key() + "2", "arbiter-key-1 " + hex);
  CHECK(load_key(directory.key() + "2").has_value());  // the last newline may be missing
}

TEST_CASE("a key cannot be made where there is no directory, and the error names the file") {
  const auto key = create_key("/nonexistent/arbiter/anonymization.key");
  REQUIRE(key.has_error());
  CHECK(key.error().code == ENOENT);
  CHECK(key.error().message.starts_with("key file /nonexistent/arbiter/anonymization.key"));
}
