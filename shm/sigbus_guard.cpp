#include "shm/sigbus_guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace arbiter {

struct GuardedRange::Node {
  // `end` is stored release after `begin` and read acquire before it [G1]: a handler that sees the end sees the range. 0: the node is free.
  std::atomic<std::uintptr_t> begin{0};
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> poisoned{false};  // relaxed: set and read on the thread that faulted; other threads only report it
  Node* next = nullptr;               // set before the node is published, never after
};

namespace {

std::atomic<GuardedRange::Node*> nodes{nullptr};  // release when a node is put in front, acquire when the list is walked [G2]
std::mutex changing_nodes;                        // registration and removal; the handler takes no lock
struct sigaction before_ours;

void pass_on(int signal, siginfo_t* info, void* context) {
  if ((before_ours.sa_flags & SA_SIGINFO) != 0) return before_ours.sa_sigaction(signal, info, context);
  if (before_ours.sa_handler != SIG_DFL && before_ours.sa_handler != SIG_IGN) return before_ours.sa_handler(signal);
  // The default, as if there were no guard: the access is repeated on return, and ends the process. A signal sent by hand is sent again.
  struct sigaction fall_back {};
  fall_back.sa_handler = SIG_DFL;
  sigaction(SIGBUS, &fall_back, nullptr);
  if (info->si_code <= 0) raise(SIGBUS);
}

void on_sigbus(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  for (GuardedRange::Node* node = info->si_code > 0 ? nodes.load(std::memory_order_acquire) : nullptr; node != nullptr;
       node = node->next) {                                                // [G2]
    const std::uintptr_t end = node->end.load(std::memory_order_acquire);  // [G1]
    if (address >= end || address < node->begin.load(std::memory_order_relaxed)) continue;
    const auto page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    void* const page = reinterpret_cast<void*>(address & ~(page_bytes - 1));
    node->poisoned.store(true, std::memory_order_relaxed);
    if (mmap(page, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    errno = saved_errno;
    return;
  }
  errno = saved_errno;
  pass_on(signal, info, context);
}

}  // namespace

void install_sigbus_guard() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction ours {};
    ours.sa_sigaction = on_sigbus;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&ours.sa_mask);
    sigaction(SIGBUS, &ours, &before_ours);
  });
}

GuardedRange::GuardedRange(void* begin, std::size_t bytes) {
  const std::lock_guard hold(changing_nodes);
  Node* node = nodes.load(std::memory_order_relaxed);
  while (node != nullptr && node->end.load(std::memory_order_relaxed) != 0) node = node->next;
  const bool fresh = node == nullptr;
  if (fresh) node = new Node;
  node->poisoned.store(false, std::memory_order_relaxed);
  node->begin.store(reinterpret_cast<std::uintptr_t>(begin), std::memory_order_relaxed);
  node->end.store(reinterpret_cast<std::uintptr_t>(begin) + bytes, std::memory_order_release);  // [G1]
  if (fresh) {
    node->next = nodes.load(std::memory_order_relaxed);
    nodes.store(node, std::memory_order_release);  // [G2]
  }
  node_ = node;
}

GuardedRange::~GuardedRange() {
  if (node_ == nullptr) return;
  const std::lock_guard hold(changing_nodes);
  node_->end.store(0, std::memory_order_release);
}

bool GuardedRange::poisoned() const noexcept { return node_ != nullptr && node_->poisoned.load(std::memory_order_relaxed); }

}  // namespace arbiter
