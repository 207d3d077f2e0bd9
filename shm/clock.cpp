#include "shm/clock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace arbiter {
namespace {

bool counter_is_invariant() noexcept {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0;
#else
  return false;
#endif
}

bool kernel_trusts_counter() noexcept {
  const int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return true;
  char name[32];
  const ssize_t read_bytes = read(fd, name, sizeof name);
  close(fd);
  return read_bytes <= 0 || std::string_view(name, static_cast<std::size_t>(read_bytes)) == "tsc\n";
}

}  // namespace

abi::ClockSource best_clock() noexcept {
  return counter_is_invariant() && kernel_trusts_counter() ? abi::ClockSource::tsc : abi::ClockSource::monotonic;
}

}  // namespace arbiter
