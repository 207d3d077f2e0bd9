// What the producers of kill_soak note of their own doing, in a file that they map shared: a store that a thread has made is there,
// whatever kills its process next. The account of the collector is held against this one.
//
// A recording thread takes a chunk, writes into it which lane it has, and then for each attempt: counts it begun, makes the call, notes
// what the call said. So in each chunk at most one attempt has begun and has no outcome: the one under way when the process was killed.
//
// All atomics are stored with release and loaded with acquire where another process acts on them while both run; what the supervisor reads
// after the last producer has ended is ordered by that.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>

#include "collector/event_key.hpp"

namespace arbiter::soak {

enum class Outcome : std::uint8_t { none, recorded, dropped, refused, disabled };

// Which call of the whole run it was.
struct Attempt {
  std::uint32_t epoch = 0, chunk = 0, number = 0;
  auto operator<=>(const Attempt&) const = default;
};

struct Chunk {
  static constexpr std::uint32_t kAttempts = 4032;
  LaneId lane;                       // before the first attempt
  std::atomic<std::uint32_t> begun;  // [L1] release by the recording thread
  std::array<std::uint8_t, 64 - sizeof(LaneId) - sizeof(std::uint32_t)> reserved;
  std::array<std::atomic<Outcome>, kAttempts> outcome;  // [L2] release by the recording thread
};
static_assert(sizeof(Chunk) == 4096);

struct LedgerHead {
  static constexpr std::size_t kChildrenMax = 8, kOpenStarts = 64;
  // Written by the supervisor, read by producers:
  std::uint64_t seed;
  std::atomic<std::uint32_t> epoch;
  std::atomic<std::uint32_t> stop;            // end by yourselves
  std::atomic<std::uint32_t> collector_down;  // a good moment for a burst
  std::atomic<std::int64_t> alive_ns;         // monotonic time at which the supervisor was there; producers end when it is long ago
  std::atomic<std::uint32_t> pause_ns;        // of a recording thread, per event: what bounds the rate
  // Written by producers:
  std::atomic<std::uint32_t> chunks;                           // handed out
  std::atomic<std::uint64_t> recorded, dropped, refused;       // for the progress lines and the bound of an epoch alone
  std::atomic<pid_t> bursting;                                 // a process that records without a pause; 0: none
  std::array<std::atomic<pid_t>, kChildrenMax> children;       // forked ones that run; 0: free. Cleared by the child, or by who reaps it
  std::array<std::atomic<std::uint64_t>, kOpenStarts> starts;  // recorded and not completed yet: chunk << 32 | number << 1 | 1; 0: none
};

class Ledger {
 public:
  static constexpr std::uint32_t kChunksMax = 16384;

  // Maps the file, which `create` makes. Throws what says why it cannot.
  explicit Ledger(const std::filesystem::path& path, bool create);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  LedgerHead& head() { return *head_; }
  Chunk& chunk(std::uint32_t index) { return chunks_[index]; }
  std::uint32_t chunks() const { return head_->chunks.load(std::memory_order_acquire); }
  void begin_epoch(std::uint32_t epoch);  // everything but the seed is forgotten; no producer runs

 private:
  LedgerHead* head_;
  Chunk* chunks_;
  int fd_;
};

std::int64_t monotonic_now_ns();

}  // namespace arbiter::soak
