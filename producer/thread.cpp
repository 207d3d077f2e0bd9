#include "producer/thread.hpp"

#include <pthread.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstring>

#include "producer/outlet.hpp"
#include "shm/clock.hpp"

namespace arbiter::producer {
namespace {

// Not a C++ thread_local's destructor: other destructors of the thread may still record after it, and would leave a lane claimed for ever.
// The library calls a key's destructor after all of those, and again if a later one has set it anew.
void thread_exits(void* at) noexcept {
  Thread& thread = *static_cast<Thread*>(at);
  if (thread.generation != process_page->generation.load(std::memory_order_relaxed)) return;  // a parent's lanes
  const Busy busy(thread);
  const ProcessLock lock;
  Lane* lane = thread.lanes;
  thread.outlet = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.lane = thread.lanes = nullptr;
  while (lane != nullptr) {
    Lane* const next = lane->next;
    lane->directory->release(*lane);
    lane = next;
  }
}

// 0: none yet; else the key and 1. Acquire and release: the key is a plain number, the pair is for the eye of a checker alone.
constinit std::atomic<std::uint64_t> exit_key{0};

void fill_random(std::array<std::uint8_t, 12>& bytes) noexcept {
  if (getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) == static_cast<ssize_t>(bytes.size())) return;
  // No random numbers (a strict sandbox, a very early boot): what the kernel gave this program at its start, with what tells this thread
  // and moment apart from the others that have the same.
  std::uint64_t mixed[2] = {0, 0};
  if (const auto* given = reinterpret_cast<const void*>(getauxval(AT_RANDOM))) std::memcpy(mixed, given, sizeof mixed);
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  for (const std::uint64_t part : {static_cast<std::uint64_t>(now.tv_sec), static_cast<std::uint64_t>(now.tv_nsec), monotonic_ns(),
                                   static_cast<std::uint64_t>(getpid()), static_cast<std::uint64_t>(gettid())}) {
    mixed[0] = (mixed[0] ^ part) * 0x9e3779b97f4a7c15;
    mixed[1] = (mixed[1] + (mixed[0] ^ mixed[0] >> 29)) * 0xbf58476d1ce4e5b9;
  }
  std::memcpy(bytes.data(), mixed, bytes.size());
}

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

constinit thread_local Thread this_thread{};

void Thread::release_at_exit() noexcept {
  std::uint64_t known = exit_key.load(std::memory_order_acquire);
  if (known == 0) {
    pthread_key_t key;
    if (pthread_key_create(&key, [](void* at) { thread_exits(at); }) != 0) return;  // then the lane stays claimed until the process ends
    if (exit_key.compare_exchange_strong(known, std::uint64_t{key} + 1, std::memory_order_acq_rel))
      known = std::uint64_t{key} + 1;
    else
      pthread_key_delete(key);
  }
  pthread_setspecific(static_cast<pthread_key_t>(known - 1), this);
}

void Thread::draw_ids() noexcept {
  const std::uint64_t process = process_page->generation.load(std::memory_order_relaxed);
  if (id_generation == process) return;
  std::array<std::uint8_t, kIdPrefixChars / 2> random;
  fill_random(random);
  for (std::size_t i = 0; i < random.size(); ++i) {
    id_prefix[2 * i] = kDigits[random[i] >> 4];
    id_prefix[2 * i + 1] = kDigits[random[i] & 15];
  }
  ids_made = 0;
  id_generation = process;
}

std::size_t Thread::make_id(char* out) noexcept {
  if (id_generation != process_page->generation.load(std::memory_order_relaxed)) [[unlikely]]
    draw_ids();
  const std::uint64_t number = ++ids_made;
  std::memcpy(out, id_prefix.data(), kIdPrefixChars);
  out[kIdPrefixChars] = '-';
  const std::size_t digits = (64 - static_cast<std::size_t>(__builtin_clzll(number)) + 3) / 4;
  char* at = out + kIdPrefixChars + 1 + digits;
  for (std::uint64_t left = number; left != 0; left >>= 4) *--at = kDigits[left & 15];
  return kIdPrefixChars + 1 + digits;
}

}  // namespace arbiter::producer
