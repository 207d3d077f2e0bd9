// Calls of the C library that a test lets the system refuse: of the calls a program makes, the n-th of one kind or of all fails with a
// code. Takes the library's place in the whole program: include it in one file of it. Not with ThreadSanitizer, whose runtime makes such
// calls before it can watch the code here.
#pragma once

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace arbiter::test {

// While one is there, the `nth` call of this name ("": of any) from now on, on whatever thread, fails with `code`; with `lasting`, those
// behind it too. One at a time.
class Refused {
 public:
  explicit Refused(const char* call, int code, int nth = 1, bool lasting = false) {
    name_ = call, code_ = code, nth_ = nth, lasting_ = lasting;
    made_ = 0;
    refused_ = nullptr;
    armed_.store(true, std::memory_order_release);  // is() acquires it, and sees what has been asked for
  }
  ~Refused() { armed_ = false; }
  Refused(const Refused&) = delete;
  Refused& operator=(const Refused&) = delete;

  // The call that was refused last; null: none.
  const char* call() const { return refused_; }

  static bool is(const char* call) {
    if (!armed_.load(std::memory_order_acquire) || (*name_.load() != '\0' && std::string_view(name_) != call)) return false;
    const int n = ++made_;
    if (lasting_ ? n < nth_ : n != nth_) return false;
    refused_ = call;
    errno = code_;
    return true;
  }

 private:
  static inline std::atomic<bool> armed_{false}, lasting_{false};
  static inline std::atomic<int> nth_{0}, made_{0}, code_{0};
  static inline std::atomic<const char*> name_{""}, refused_{nullptr};
};

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace arbiter::test

// Declared with the attributes that the library's headers give them; the calls of the kernel are made directly.
extern "C" {
inline mode_t mode_argument(int flags, va_list& arguments) { return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0; }
int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return arbiter::test::Refused::is("open") ? -1 : static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int openat(int directory, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return arbiter::test::Refused::is("openat") ? -1 : static_cast<int>(syscall(SYS_openat, directory, path, flags, mode));
}
int fcntl(int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return arbiter::test::Refused::is("fcntl") ? -1 : static_cast<int>(syscall(SYS_fcntl, fd, command, argument));
}
int fstat(int fd, struct stat* status) noexcept {
  return arbiter::test::Refused::is("fstat") ? -1 : static_cast<int>(syscall(SYS_newfstatat, fd, "", status, AT_EMPTY_PATH));
}
int fstatat(int directory, const char* path, struct stat* status, int flags) noexcept {
  return arbiter::test::Refused::is("fstatat") ? -1 : static_cast<int>(syscall(SYS_newfstatat, directory, path, status, flags));
}
int fchmod(int fd, mode_t mode) noexcept {
  return arbiter::test::Refused::is("fchmod") ? -1 : static_cast<int>(syscall(SYS_fchmod, fd, mode));
}
int ftruncate(int fd, off_t bytes) noexcept {
  return arbiter::test::Refused::is("ftruncate") ? -1 : static_cast<int>(syscall(SYS_ftruncate, fd, bytes));
}
int linkat(int from_fd, const char* from, int to_fd, const char* to, int flags) noexcept {
  return arbiter::test::Refused::is("linkat") ? -1 : static_cast<int>(syscall(SYS_linkat, from_fd, from, to_fd, to, flags));
}
int unlinkat(int directory, const char* path, int flags) noexcept {
  return arbiter::test::Refused::is("unlinkat") ? -1 : static_cast<int>(syscall(SYS_unlinkat, directory, path, flags));
}
int rename(const char* from, const char* to) noexcept {
  return arbiter::test::Refused::is("rename") ? -1 : static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int mkdir(const char* path, mode_t mode) noexcept {
  return arbiter::test::Refused::is("mkdir") ? -1 : static_cast<int>(syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
ssize_t pread(int fd, void* bytes, size_t n, off_t at) {
  return arbiter::test::Refused::is("pread") ? -1 : syscall(SYS_pread64, fd, bytes, n, at);
}
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  return arbiter::test::Refused::is("pwrite") ? -1 : syscall(SYS_pwrite64, fd, bytes, n, at);
}
int fdatasync(int fd) { return arbiter::test::Refused::is("fdatasync") ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd)); }
int fsync(int fd) { return arbiter::test::Refused::is("fsync") ? -1 : static_cast<int>(syscall(SYS_fsync, fd)); }
int posix_fallocate(int fd, off_t from, off_t bytes) {
  if (arbiter::test::Refused::is("posix_fallocate")) return errno;
  return syscall(SYS_fallocate, fd, 0, from, bytes) == 0 ? 0 : errno;
}
ssize_t getrandom(void* bytes, size_t n, unsigned flags) {
  return arbiter::test::Refused::is("getrandom") ? -1 : syscall(SYS_getrandom, bytes, n, flags);
}
void* mmap(void* at, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  if (arbiter::test::Refused::is("mmap")) return MAP_FAILED;
  return reinterpret_cast<void*>(syscall(SYS_mmap, at, bytes, protection, flags, fd, offset));
}
int mprotect(void* at, size_t bytes, int protection) noexcept {
  return arbiter::test::Refused::is("mprotect") ? -1 : static_cast<int>(syscall(SYS_mprotect, at, bytes, protection));
}
int madvise(void* at, size_t bytes, int advice) noexcept {
  return arbiter::test::Refused::is("madvise") ? -1 : static_cast<int>(syscall(SYS_madvise, at, bytes, advice));
}
int socket(int family, int type, int protocol) noexcept {
  return arbiter::test::Refused::is("socket") ? -1 : static_cast<int>(syscall(SYS_socket, family, type, protocol));
}
int pthread_key_create(pthread_key_t* key, void (*at_exit)(void*)) noexcept {
  static auto* const next = arbiter::test::next_of<int(pthread_key_t*, void (*)(void*))>("pthread_key_create");
  return arbiter::test::Refused::is("pthread_key_create") ? errno : next(key, at_exit);
}
int inotify_init1(int flags) noexcept {
  return arbiter::test::Refused::is("inotify_init1") ? -1 : static_cast<int>(syscall(SYS_inotify_init1, flags));
}
int chmod(const char* path, mode_t mode) noexcept {
  return arbiter::test::Refused::is("chmod") ? -1 : static_cast<int>(syscall(SYS_fchmodat, AT_FDCWD, path, mode));
}
int faccessat(int directory, const char* path, int mode, int flags) noexcept {
  if (arbiter::test::Refused::is("faccessat")) return -1;
  static auto* const next = arbiter::test::next_of<int(int, const char*, int, int)>("faccessat");
  return next(directory, path, mode, flags);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to, unsigned flags) noexcept {
  return arbiter::test::Refused::is("renameat2") ? -1
                                                 : static_cast<int>(syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}
DIR* fdopendir(int fd) {
  static auto* const next = arbiter::test::next_of<DIR*(int)>("fdopendir");
  return arbiter::test::Refused::is("fdopendir") ? nullptr : next(fd);
}
DIR* opendir(const char* path) {
  static auto* const next = arbiter::test::next_of<DIR*(const char*)>("opendir");
  return arbiter::test::Refused::is("opendir") ? nullptr : next(path);
}
}
