#include "single_step.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <unordered_set>

namespace arbiter::test {

// In a page that both see. Relaxed: the child stands still whenever the parent looks.
struct SteppedChild::Shared {
  enum Phase : std::uint32_t { before, inside, after };
  std::atomic<std::uint32_t> phase{before};
};

namespace {

constexpr int kNotTraced = 77;
constexpr std::size_t kInstructionPointer = offsetof(user, regs) + offsetof(user_regs_struct, rip);

struct Ended : std::runtime_error {
  Ended() : std::runtime_error("the child has ended instead of waiting") {}
};

void signal_fence() { std::atomic_signal_fence(std::memory_order_seq_cst); }  // the code is stepped between the marks, not around them

}  // namespace

void SteppedChild::Inside::wait_for_parent() { kill(getpid(), SIGSTOP); }

void SteppedChild::Inside::enter() {
  shared_->phase.store(Shared::inside, std::memory_order_relaxed);
  signal_fence();
}

void SteppedChild::Inside::leave() {
  signal_fence();
  shared_->phase.store(Shared::after, std::memory_order_relaxed);
}

SteppedChild::SteppedChild(const std::function<void(Inside&)>& code) {
  void* const page = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw std::runtime_error("mmap");
  shared_ = new (page) Shared;
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotTraced);
  Inside inside(*shared_);
  code(inside);
  _exit(0);
}

SteppedChild::~SteppedChild() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  munmap(shared_, sizeof(Shared));
}

void SteppedChild::wait() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_ || !WIFSTOPPED(status)) {
    pid_ = -1;
    throw Ended();
  }
}

void SteppedChild::resume() {
  if (ptrace(PTRACE_CONT, pid_, nullptr, nullptr) != 0) throw std::runtime_error("PTRACE_CONT");
}

void SteppedChild::step() {
  if (ptrace(PTRACE_SINGLESTEP, pid_, nullptr, nullptr) != 0) throw std::runtime_error("PTRACE_SINGLESTEP");
  wait();
}

void SteppedChild::step_inside() {
  while (shared_->phase.load(std::memory_order_relaxed) == Shared::before) step();
}

std::uint64_t SteppedChild::address() const {
  errno = 0;
  const long at = ptrace(PTRACE_PEEKUSER, pid_, kInstructionPointer, nullptr);
  if (errno != 0) throw std::runtime_error("PTRACE_PEEKUSER");
  return static_cast<std::uint64_t>(at);
}

// By an instruction that traps, put there and taken away again: debug registers would leave the code as it is, and some virtual machines
// take them and never stop. False: it cannot be written there, and the child stands where it was.
bool SteppedChild::run_to(std::uint64_t to) {
  constexpr long trap = 0xCC, one_byte = 0xFF;
  errno = 0;
  const long code = ptrace(PTRACE_PEEKTEXT, pid_, to, nullptr);
  if (errno != 0 || ptrace(PTRACE_POKETEXT, pid_, to, (code & ~one_byte) | trap) != 0) return false;
  resume();
  wait();
  if (address() != to + 1 || ptrace(PTRACE_POKETEXT, pid_, to, code) != 0 || ptrace(PTRACE_POKEUSER, pid_, kInstructionPointer, to) != 0)
    throw std::runtime_error("a breakpoint");
  return true;
}

Way SteppedChild::walk() {
  step_inside();
  Way way{address()};
  while (shared_->phase.load(std::memory_order_relaxed) == Shared::inside) {
    step();
    way.push_back(address());
  }
  kill_and_reap();
  return way;
}

bool SteppedChild::kill_after(std::size_t instructions, const Way& way) {
  step_inside();
  std::unordered_set<std::uint64_t> seen;
  std::size_t first_time = 0;
  for (std::size_t i = 0; i <= instructions; ++i)
    if (seen.insert(way.at(i)).second) first_time = i;
  try {
    std::size_t done = 0;
    if (first_time > 0 && run_to(way[first_time])) done = first_time;
    for (; done < instructions; ++done) step();
  } catch (const Ended&) {
    return false;
  }
  const bool as_expected = address() == way[instructions];
  kill_and_reap();
  return as_expected;
}

void SteppedChild::kill_and_reap() {
  kill(pid_, SIGKILL);
  int status = 0;
  const bool reaped = waitpid(pid_, &status, 0) == pid_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  pid_ = -1;
  if (!reaped) throw std::runtime_error("the child did not die of SIGKILL");
}

bool SteppedChild::permitted() {
  try {
    SteppedChild child([](Inside& inside) { inside.stepped([] {}); });
    child.wait();
    child.walk();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace arbiter::test
