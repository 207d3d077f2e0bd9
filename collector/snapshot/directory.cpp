#include "collector/snapshot/directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>

#include "collector/journal/file.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kDigits = 20;
constexpr std::string_view kBuilding = ".building-";
constexpr std::string_view kRemoving = ".removing-";
constexpr std::string_view kNewLatest = ".latest-new";
constexpr std::string_view kLatest = "latest";

std::string named(std::string_view prefix, std::uint64_t number) { return std::string(prefix) + number_text(number); }

// Removes a tree without following links.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return Error{path + ": " + error.message(), error.value()};
  return {};
}

// A directory that is complete is not changed again: its time is that of its last file.
bool older_than(const std::string& path, std::chrono::nanoseconds age) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  const auto written = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return std::chrono::system_clock::now().time_since_epoch() - written > age;
}

// A directory that no reader holds, and none can lock until this has ended. Who reads for long holds a shared lock on it.
class Unread {
 public:
  explicit Unread(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
    held_ = fd_ >= 0 && ::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  }
  Unread(const Unread&) = delete;
  Unread& operator=(const Unread&) = delete;
  ~Unread() {
    if (fd_ >= 0) ::close(fd_);
  }
  bool held() const { return held_; }

 private:
  int fd_;
  bool held_;
};

}  // namespace

std::string number_text(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

std::optional<std::uint64_t> parse_number(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (name.size() != kDigits || error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

Result<Directory> Directory::open(const std::string& path, Wait wait) {
  if (auto ok = journal::make_directory(path); !ok) return ok.error();
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(path);
  Directory directory(path, fd);
  int locked;
  do locked = ::flock(fd, wait == Wait::yes ? LOCK_EX : LOCK_EX | LOCK_NB);
  while (locked != 0 && errno == EINTR);
  if (locked != 0) return system_error("lock of " + path);
  return directory;
}

Directory::Directory(Directory&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

Directory::~Directory() {
  if (fd_ >= 0) ::close(fd_);
}

Result<void> Directory::sync() const {
  if (::fsync(fd_) != 0) return system_error(path_);
  return {};
}

Result<std::vector<std::uint64_t>> Directory::numbers() const {
  const auto names = journal::list_directory(path_);
  if (!names) return names.error();
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names)
    if (const auto number = parse_number(name)) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

Result<std::string> Directory::begin(std::uint64_t number) const {
  const std::string path = path_of(named(kBuilding, number));
  if (auto ok = remove_tree(path); !ok) return ok.error();  // a killed export's: nobody else builds while we have the lock
  if (::mkdir(path.c_str(), 0755) != 0) return system_error(path);
  ARBITER_TESTPOINT("snapshot.begun");
  return {boost::system::in_place_value, path};
}

Result<void> Directory::complete(std::uint64_t number) const {
  const std::string building = path_of(named(kBuilding, number));
  if (auto ok = journal::sync_directory(building); !ok) return ok;
  ARBITER_TESTPOINT("snapshot.built");
  if (::renameat2(fd_, named(kBuilding, number).c_str(), fd_, number_text(number).c_str(), RENAME_NOREPLACE) != 0)
    return system_error("renaming " + building);
  if (auto ok = sync(); !ok) return ok;
  ARBITER_TESTPOINT("snapshot.renamed");

  const std::string link = path_of(std::string(kNewLatest));
  ::unlink(link.c_str());
  if (::symlink(number_text(number).c_str(), link.c_str()) != 0) return system_error(link);
  ARBITER_TESTPOINT("snapshot.linked");
  if (::rename(link.c_str(), path_of(std::string(kLatest)).c_str()) != 0)
    return system_error(path_of(std::string(kLatest)) + ": it is to be a symbolic link");
  ARBITER_TESTPOINT("snapshot.latest");
  return sync();
}

void Directory::abandon(std::uint64_t number) const { static_cast<void>(remove_tree(path_of(named(kBuilding, number)))); }

Result<void> Directory::let_go(std::optional<std::uint64_t> keep, std::optional<std::chrono::nanoseconds> max_age,
                               const std::function<std::uint64_t(std::uint64_t)>& base_of) const {
  if (!keep && !max_age) return {};
  const auto all = numbers();
  if (!all) return all.error();
  std::vector<std::uint64_t> too_many_or_old;
  std::uint64_t needed_from = UINT64_MAX;
  for (std::size_t i = 0; i < all->size(); ++i) {
    const std::uint64_t number = (*all)[i];
    const bool out = (keep && all->size() - i > *keep) || (max_age && older_than(path_of(number_text(number)), *max_age));
    if (out && i + 1 < all->size())
      too_many_or_old.push_back(number);
    else
      needed_from = std::min(needed_from, base_of(number));
  }
  for (const std::uint64_t number : too_many_or_old) {
    if (number >= needed_from) break;
    const std::string path = path_of(number_text(number));
    const Unread unread(path);
    if (unread.held()) continue;
    const std::string removing = path_of(named(kRemoving, number));
    if (auto ok = remove_tree(removing); !ok) return ok;
    if (::rename(path.c_str(), removing.c_str()) != 0) return system_error("renaming " + path);
    if (auto ok = sync(); !ok) return ok;  // never half of it under its number
    ARBITER_TESTPOINT("snapshot.removing");
    if (auto ok = remove_tree(removing); !ok) return ok;
    ARBITER_TESTPOINT("snapshot.removed");
  }
  return {};
}

Result<void> Directory::remove_leftovers() const {
  const auto names = journal::list_directory(path_);
  if (!names) return names.error();
  for (const std::string& name : *names)
    if (name.starts_with(kBuilding) || name.starts_with(kRemoving) || name == kNewLatest) {
      if (auto ok = remove_tree(path_of(name)); !ok) return ok;
      ARBITER_TESTPOINT("snapshot.leftover_gone");
    }
  return {};
}

}  // namespace arbiter::snapshot
