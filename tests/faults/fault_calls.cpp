// Preloaded into the collector: its clock and its fdatasync as a test wants them. Straight to the kernel otherwise.
#include "tests/faults/fault_calls.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

FaultWords nothing{};  // when no file is named
FaultWords* words = &nothing;

__attribute__((constructor)) void map_words() {
  const char* const path = std::getenv(kFaultCallsFile);
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const at = ::mmap(nullptr, sizeof *words, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at != MAP_FAILED) words = static_cast<FaultWords*>(at);
}

template <class Word>
Word load(const Word& word) {
  return __atomic_load_n(&word, __ATOMIC_RELAXED);
}
void count(std::int64_t& word) { __atomic_fetch_add(&word, 1, __ATOMIC_RELAXED); }

bool to_fail(int fd) {
  if (load(words->syncs_to_fail) <= 0) return false;
  if (load(words->fail_every_file) != 0) return true;
  char link[32], path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = ::readlink(link, path, sizeof path);
  return length > 0 && std::string_view(path, static_cast<std::size_t>(length)).ends_with(".journal");
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  constexpr std::int64_t kSecond = 1'000'000'000;
  if (::syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  count(words->clock_reads);
  const std::int64_t ns = now->tv_sec * kSecond + now->tv_nsec + load(words->realtime_offset_ns);
  now->tv_sec = ns / kSecond;
  now->tv_nsec = ns % kSecond;
  return 0;
}

extern "C" int fdatasync(int fd) {
  struct stat file {};
  count(words->syncs);
  if (::fstat(fd, &file) != 0) return -1;
  if (file.st_dev == load(words->failed_device) && file.st_ino == load(words->failed_inode)) count(words->syncs_of_failed);
  if (to_fail(fd)) {
    __atomic_fetch_sub(&words->syncs_to_fail, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&words->failed_device, file.st_dev, __ATOMIC_RELAXED);
    __atomic_store_n(&words->failed_inode, file.st_ino, __ATOMIC_RELAXED);
    count(words->syncs_failed);
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
