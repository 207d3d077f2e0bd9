// What the guard does not know goes where it went before. In a program of its own: the handler is installed once in a process, here in
// children only.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/sigbus_guard.hpp"
#include "tests/unit/leave.hpp"

using namespace arbiter;

namespace {

constexpr std::size_t kPage = 4096;

// Touches a page behind the end of a file.
void fault() {
  const int fd = memfd_create("unguarded", MFD_CLOEXEC);
  if (ftruncate(fd, kPage) != 0) _exit(1);
  void* const at = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ftruncate(fd, 0) != 0) _exit(1);
  if (*static_cast<volatile char*>(at) == 0) _exit(2);
}

// How a child ends that does this.
template <class Do>
int in_child(Do&& act) {
  const pid_t child = fork();
  if (child == 0) {
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("a fault outside all ranges ends the process, as by default") {
  const int status = in_child([] {
    signal(SIGBUS, SIG_DFL);
    install_sigbus_guard();
    fault();
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGBUS);
}

TEST_CASE("a signal that somebody sent ends the process, as by default, even with ranges listed") {
  const int status = in_child([] {
    signal(SIGBUS, SIG_DFL);
    install_sigbus_guard();
    alignas(kPage) static std::byte page[kPage];
    const GuardedRange guard(page, kPage);
    raise(SIGBUS);
  });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGBUS);
}

TEST_CASE("a fault outside all ranges goes to the handler that was there, with what it asked for") {
  int status = in_child([] {
    signal(SIGBUS, [](int) { test::leave(42); });
    install_sigbus_guard();
    fault();
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 42);
  status = in_child([] {
    struct sigaction before {};
    before.sa_flags = SA_SIGINFO;
    before.sa_sigaction = [](int, siginfo_t* info, void*) { test::leave(info->si_code == BUS_ADRERR ? 43 : 44); };
    sigaction(SIGBUS, &before, nullptr);
    install_sigbus_guard();
    fault();
  });
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 43);
}
