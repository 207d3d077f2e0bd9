#include "producer/process.hpp"

#include <sys/mman.h>

#include <cstring>

#include "shm/clock.hpp"

namespace arbiter::producer {
namespace {

static_assert(sizeof(ProcessPage) <= 4096);

constinit ProcessPage empty_page{};
// For a kernel that cannot wipe: children by fork() are caught all the same.
constinit ProcessPage unwiped_page{};
void wipe_by_hand() { std::memset(static_cast<void*>(&unwiped_page), 0, sizeof unwiped_page); }

// In ordinary memory, so that a child goes on from the number its parent had. Guarded by the page's lock.
constinit std::uint64_t last_generation = 0;

// 0: not known yet. Two threads that find it so come to the same value.
constinit std::atomic<std::uint32_t> clock_source{0};

ProcessPage* new_page() noexcept {
  void* const at = mmap(nullptr, sizeof(ProcessPage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at != MAP_FAILED) {
    if (madvise(at, sizeof(ProcessPage), MADV_WIPEONFORK) == 0) return static_cast<ProcessPage*>(at);
    munmap(at, sizeof(ProcessPage));
  }
  pthread_atfork(nullptr, nullptr, wipe_by_hand);
  return &unwiped_page;
}

}  // namespace

constinit ProcessPage* process_page = &empty_page;

void make_process_page() noexcept {
  if (clock_source.load(std::memory_order_relaxed) == 0)
    clock_source.store(static_cast<std::uint32_t>(best_clock()), std::memory_order_relaxed);
  // Acquire, and release below: who sees the page sees it mapped and wiping. Record calls read the pointer plainly: their Producer was made
  // before them.
  std::atomic_ref<ProcessPage*> page(process_page);
  ProcessPage* expected = page.load(std::memory_order_acquire);
  if (expected != &empty_page) return;
  ProcessPage* const made = new_page();
  if (!page.compare_exchange_strong(expected, made, std::memory_order_acq_rel, std::memory_order_acquire) && made != &unwiped_page)
    munmap(made, sizeof(ProcessPage));
}

abi::ClockSource process_clock() noexcept { return static_cast<abi::ClockSource>(clock_source.load(std::memory_order_relaxed)); }

ProcessLock::ProcessLock() noexcept {
  pthread_mutex_lock(&process_page->lock);
  if (process_page->generation.load(std::memory_order_relaxed) == 0)
    process_page->generation.store(++last_generation, std::memory_order_relaxed);
}

ProcessLock::~ProcessLock() { pthread_mutex_unlock(&process_page->lock); }

}  // namespace arbiter::producer
