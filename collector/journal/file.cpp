#include "collector/journal/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "shm/testpoint.hpp"

namespace arbiter::journal {

Result<std::shared_ptr<File>> File::open(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("opening " + path);
  return std::make_shared<File>(fd);
}

File::~File() { ::close(fd_); }

Result<void> File::write(std::span<const std::byte> bytes, std::uint64_t offset) const {
  while (!bytes.empty()) {
    // A kill cuts a long write short. With testpoints everything is written by halves, so that a test can end the process in between.
    const std::size_t piece = testpoint::kCompiledIn ? (bytes.size() + 1) / 2 : bytes.size();
    const ssize_t n = ::pwrite(fd_, bytes.data(), piece, static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error("writing");
    }
    if (n == 0) return Error{"writing: nothing was written", ENOSPC};
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
    if (!bytes.empty()) ARBITER_TESTPOINT("file.half_written");
  }
  return {};
}

Result<std::size_t> File::read(std::span<std::byte> bytes, std::uint64_t offset) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return system_error("reading");
    }
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<void> File::allocate(std::uint64_t bytes) const {
  int error;
  do error = ::posix_fallocate(fd_, 0, static_cast<off_t>(bytes));
  while (error == EINTR);
  if (error != 0) return system_error("allocating " + std::to_string(bytes) + " bytes", error);
  return {};
}

Result<void> File::sync() const {
  if (::fdatasync(fd_) != 0) return system_error("syncing");
  return {};
}

void File::write_back(std::uint64_t offset, std::uint64_t bytes) const {
  static_cast<void>(::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE));
}

Result<std::uint64_t> File::size() const {
  struct stat st;
  if (::fstat(fd_, &st) != 0) return system_error("looking at a file");
  return static_cast<std::uint64_t>(st.st_size);
}

Result<void> make_directory(const std::string& path) {
  std::string above = path.starts_with('/') ? "/" : ".";
  const auto sync_name = [&above]() -> Result<void> {
    auto synced = sync_directory(above);  // unless it is not ours to read
    return synced || synced.error().code == EACCES ? Result<void>() : synced;
  };
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string next = path.substr(0, slash);
    const bool made = ::mkdir(next.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) return system_error("making " + next);
    if (made)
      if (auto named = sync_name(); !named) return named;
    above = next;
  }
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return system_error("making " + path);
  const auto there = list_directory(path);
  if (!there) return there.error();
  return there->size() <= 2 ? sync_name() : Result<void>();  // "." and "..": or somebody made it, and was killed before this
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  DIR* const dir = ::opendir(path.c_str());
  if (dir == nullptr) return system_error("reading " + path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) names.emplace_back(entry->d_name);
  ::closedir(dir);
  return names;
}

Result<void> rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("renaming " + from + " to " + to);
  return {};
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

Result<void> sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("opening " + path);
  const int failed = ::fsync(fd) != 0 ? errno : 0;
  ::close(fd);
  if (failed != 0) return system_error("syncing " + path, failed);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  const auto file = File::open(path, O_RDONLY);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  std::string content(*size, '\0');
  const auto got = (*file)->read(std::as_writable_bytes(std::span(content)), 0);
  if (!got) return got.error();
  content.resize(*got);
  return {boost::system::in_place_value, std::move(content)};  // Error too could be made of a string
}

}  // namespace arbiter::journal
