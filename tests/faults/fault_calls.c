/* Preloaded into the collector: its clock and its fdatasync as a test wants them. Straight to the kernel otherwise. */
#define _GNU_SOURCE
#include "fault_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct fault_calls nothing; /* when no file is named */
static struct fault_calls* calls = &nothing;

__attribute__((constructor)) static void map_calls(void) {
  const char* const path = getenv(FAULT_CALLS_FILE);
  const int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const at = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) calls = at;
}

static int64_t load(const int64_t* word) { return __atomic_load_n(word, __ATOMIC_RELAXED); }
static void count(int64_t* word) { __atomic_fetch_add(word, 1, __ATOMIC_RELAXED); }

int clock_gettime(clockid_t clock, struct timespec* now) {
  const int64_t second = 1000000000;
  if (syscall(SYS_clock_gettime, clock, now) != 0) return -1;
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return 0;
  count(&calls->clock_reads);
  const int64_t ns = now->tv_sec * second + now->tv_nsec + load(&calls->realtime_offset_ns);
  now->tv_sec = ns / second;
  now->tv_nsec = ns % second;
  return 0;
}

static int to_fail(int fd) {
  static const char ending[] = ".journal";
  const ssize_t end = (ssize_t)sizeof ending - 1;
  char link[32], path[4096];
  if (load(&calls->syncs_to_fail) <= 0) return 0;
  if (load(&calls->fail_every_file) != 0) return 1;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  return length > end && memcmp(path + length - end, ending, (size_t)end) == 0;
}

int fdatasync(int fd) {
  struct stat file;
  count(&calls->syncs);
  if (fstat(fd, &file) != 0) return -1;
  if (file.st_dev == calls->failed_device && file.st_ino == calls->failed_inode) count(&calls->syncs_of_failed);
  if (to_fail(fd)) {
    __atomic_fetch_sub(&calls->syncs_to_fail, 1, __ATOMIC_RELAXED);
    calls->failed_device = file.st_dev;
    calls->failed_inode = file.st_ino;
    count(&calls->syncs_failed);
    errno = EIO;
    return -1;
  }
  return (int)syscall(SYS_fdatasync, fd);
}
