// A kernel from before 4.14, which wipes no page in a child.
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

extern "C" int madvise(void* at, std::size_t bytes, int advice) noexcept {
  if (advice == MADV_WIPEONFORK) return errno = EINVAL, -1;
  return static_cast<int>(syscall(SYS_madvise, at, bytes, advice));
}
