// Loaded into a program by LD_PRELOAD: writes down what it does to the files below ARBITER_RECORD_ROOT, with contents, into the file
// ARBITER_RECORD_LOG. One lock over each call and its record, so that the log's order is the order of effect; syncs are outside of it.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/crash/power_log.hpp"

namespace {

using arbiter::power::Call;
using arbiter::power::LogRecord;

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
int log_fd = -1;
const char* root = nullptr;
std::size_t root_bytes = 0;
std::uint64_t syncs = 0;

__attribute__((constructor)) void begin() {
  const char* const path = std::getenv("ARBITER_RECORD_LOG");
  root = std::getenv("ARBITER_RECORD_ROOT");
  if (path == nullptr || root == nullptr) return;
  root_bytes = std::strlen(root);
  log_fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
}

template <class F>
F next(F, const char* name) {
  return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}
#define NEXT(name) static const auto next_##name = next(&::name, #name)

class Locked {
 public:
  Locked() { ::pthread_mutex_lock(&lock); }
  ~Locked() {
    const int saved = errno;
    ::pthread_mutex_unlock(&lock);
    errno = saved;
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
};

// The path below the root, with a / before it; empty: it is not below it. A file without a name has one that ends in " (deleted)".
struct Path {
  char text[PATH_MAX] = "";
  bool ours() const { return text[0] != '\0'; }

  explicit Path(int fd) {
    char self[64], whole[PATH_MAX];
    std::snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    const ssize_t size = ::readlink(self, whole, sizeof whole - 1);
    if (size <= 0) return;
    whole[size] = '\0';
    below(whole);
  }
  Path(int directory, const char* path) {
    if (path[0] == '/') {
      below(path);
      return;
    }
    char whole[2 * PATH_MAX];
    char at[PATH_MAX];
    if (directory == AT_FDCWD) {
      if (::getcwd(at, sizeof at) == nullptr) return;
    } else {
      char self[64];
      std::snprintf(self, sizeof self, "/proc/self/fd/%d", directory);
      const ssize_t size = ::readlink(self, at, sizeof at - 1);
      if (size <= 0) return;
      at[size] = '\0';
    }
    std::snprintf(whole, sizeof whole, "%s/%s", at, path);
    below(whole);
  }

 private:
  void below(const char* whole) {
    if (log_fd < 0 || std::strncmp(whole, root, root_bytes) != 0 || (whole[root_bytes] != '/' && whole[root_bytes] != '\0')) return;
    std::snprintf(text, sizeof text, "/%s", whole[root_bytes] == '/' ? whole + root_bytes + 1 : "");
  }
};

void note(Call call, std::uint64_t inode, std::uint64_t offset, const char* path = "", const char* other = "", const void* data = nullptr,
          std::size_t data_bytes = 0) {
  const int saved = errno;
  LogRecord record{
      LogRecord::kMagic, call, inode, offset, static_cast<std::uint32_t>(std::strlen(path)), static_cast<std::uint32_t>(std::strlen(other)),
      data_bytes};
  iovec parts[] = {{&record, sizeof record},
                   {const_cast<char*>(path), record.path_bytes},
                   {const_cast<char*>(other), record.other_bytes},
                   {const_cast<void*>(data), data_bytes}};
  const std::size_t all = sizeof record + record.path_bytes + record.other_bytes + data_bytes;
  if (::syscall(SYS_writev, log_fd, parts, 4) != static_cast<long>(all)) std::abort();  // a log with a hole proves nothing
  errno = saved;
}

std::uint64_t inode_of(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

int opened(int directory, const char* path, int flags, mode_t mode) {
  NEXT(openat);
  if ((flags & (O_CREAT | O_TRUNC | O_TMPFILE)) == 0) return next_openat(directory, path, flags, mode);
  const Locked locked;
  const Path where(directory, path);
  if ((flags & O_TMPFILE) == O_TMPFILE) {
    const int fd = next_openat(directory, path, flags, mode);
    if (fd >= 0 && where.ours()) note(Call::create, inode_of(fd), 0);
    return fd;
  }
  struct stat before {};
  const bool existed = ::fstatat(directory, path, &before, 0) == 0;
  const int fd = next_openat(directory, path, flags, mode);
  if (fd >= 0 && where.ours()) {
    if (!existed)
      note(Call::create, inode_of(fd), 0, where.text);
    else if ((flags & O_TRUNC) != 0)
      note(Call::resize, inode_of(fd), 0);
  }
  return fd;
}

mode_t mode_of(int flags, std::va_list list) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0; }

int synced(int fd, int (*sync)(int)) {
  const Path where(fd);
  std::uint64_t which = 0, inode = 0;
  if (where.ours()) {
    const Locked locked;
    which = ++syncs + (static_cast<std::uint64_t>(::getpid()) << 32);
    inode = inode_of(fd);
    note(Call::sync_begin, inode, which, where.text);
  }
  const int result = sync(fd);
  if (where.ours() && result == 0) {
    const Locked locked;
    note(Call::sync_end, inode, which, where.text);
  }
  return result;
}

int renamed(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) {
  const Locked locked;
  const Path before(from_directory, from), after(to_directory, to);
  const int result = static_cast<int>(::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
  if (result == 0 && before.ours() && after.ours()) note(Call::rename, 0, 0, before.text, after.text);
  return result;
}

int unlinked(int directory, const char* path, int flags) {
  NEXT(unlinkat);
  const Locked locked;
  const Path where(directory, path);
  const int result = next_unlinkat(directory, path, flags);
  if (result == 0 && where.ours()) note((flags & AT_REMOVEDIR) != 0 ? Call::rmdir : Call::unlink, 0, 0, where.text);
  return result;
}

int made_directory(int directory, const char* path, mode_t mode) {
  NEXT(mkdirat);
  const Locked locked;
  const Path where(directory, path);
  const int result = next_mkdirat(directory, path, mode);
  if (result == 0 && where.ours()) {
    struct stat about {};
    ::fstatat(directory, path, &about, 0);
    note(Call::mkdir, about.st_ino, 0, where.text);
  }
  return result;
}

int linked(int from_directory, const char* from, int to_directory, const char* to, int flags) {
  NEXT(linkat);
  const Locked locked;
  const Path first(from_directory, from), further(to_directory, to);
  const int result = next_linkat(from_directory, from, to_directory, to, flags);
  if (result == 0 && further.ours()) {
    int fd = -1;
    if (std::sscanf(from, "/proc/self/fd/%d", &fd) == 1)
      note(Call::link, inode_of(fd), 0, "", further.text);
    else if (first.ours())
      note(Call::link, 0, 0, first.text, further.text);
  }
  return result;
}

int symlinked(const char* says, int directory, const char* path) {
  NEXT(symlinkat);
  const Locked locked;
  const Path where(directory, path);
  const int result = next_symlinkat(says, directory, path);
  if (result == 0 && where.ours()) note(Call::symlink, 0, 0, where.text, says);
  return result;
}

int resized(int fd, off_t size) {
  NEXT(ftruncate);
  const Locked locked;
  const Path where(fd);
  const int result = next_ftruncate(fd, size);
  if (result == 0 && where.ours()) note(Call::resize, inode_of(fd), static_cast<std::uint64_t>(size));
  return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return opened(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat(int directory, const char* path, int flags, ...) {
  std::va_list list;
  va_start(list, flags);
  const mode_t mode = mode_of(flags, list);
  va_end(list);
  return opened(directory, path, flags, mode);
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  NEXT(pwrite);
  const Locked locked;
  const Path where(fd);
  const ssize_t written = next_pwrite(fd, bytes, size, offset);
  if (written > 0 && where.ours())
    note(Call::write, inode_of(fd), static_cast<std::uint64_t>(offset), where.text, "", bytes, static_cast<std::size_t>(written));
  return written;
}
ssize_t write(int fd, const void* bytes, std::size_t size) {
  NEXT(write);
  const Locked locked;
  const Path where(fd);
  const ssize_t written = next_write(fd, bytes, size);
  if (written > 0 && where.ours()) {
    const off_t end = ::lseek(fd, 0, SEEK_CUR);
    note(Call::write, inode_of(fd), static_cast<std::uint64_t>(end - written), where.text, "", bytes, static_cast<std::size_t>(written));
  }
  return written;
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  NEXT(posix_fallocate);
  const Locked locked;
  const Path where(fd);
  const int result = next_posix_fallocate(fd, offset, size);
  if (result == 0 && where.ours()) note(Call::allocate, inode_of(fd), static_cast<std::uint64_t>(offset + size));
  return result;
}
int ftruncate(int fd, off_t size) noexcept { return resized(fd, size); }

int fsync(int fd) {
  NEXT(fsync);
  return synced(fd, next_fsync);
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  return synced(fd, next_fdatasync);
}

int rename(const char* from, const char* to) noexcept { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int d, const char* from, int e, const char* to) noexcept { return renamed(d, from, e, to, 0); }
int renameat2(int d, const char* from, int e, const char* to, unsigned flags) noexcept { return renamed(d, from, e, to, flags); }
int unlink(const char* path) noexcept { return unlinked(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char* path, int flags) noexcept { return unlinked(directory, path, flags); }
int rmdir(const char* path) noexcept { return unlinked(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  struct stat about {};
  const bool directory = ::lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
  return unlinked(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0);
}
int mkdir(const char* path, mode_t mode) noexcept { return made_directory(AT_FDCWD, path, mode); }
int mkdirat(int directory, const char* path, mode_t mode) noexcept { return made_directory(directory, path, mode); }
int link(const char* from, const char* to) noexcept { return linked(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int d, const char* from, int e, const char* to, int flags) noexcept { return linked(d, from, e, to, flags); }
int symlink(const char* says, const char* path) noexcept { return symlinked(says, AT_FDCWD, path); }
int symlinkat(const char* says, int directory, const char* path) noexcept { return symlinked(says, directory, path); }

}  // extern "C"
