// Puts relacy's memory model under the lane's own code: what includes this and then shm/lane_writer.cpp, lane_reader.cpp and
// segment_writer.cpp has the code as it is shipped, whose std::atomic is relacy's, whose std::memcpy of records tells relacy which records
// it touched, and whose madvise() answers as the test says.
//
// Every load and store knows where in the source it stands. One place after the other can be weakened to relaxed, without touching the
// source, and without a list that somebody would have to keep.
#pragma once

// Everything that the lane's code includes, before its names are given another meaning.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <boost/system/result.hpp>
#include <cerrno>
#include <charconv>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include <relacy/relacy.hpp>
// relacy takes these for its own use of the standard's syntax.
#undef memory_order_relaxed
#undef memory_order_consume
#undef memory_order_acquire
#undef memory_order_release
#undef memory_order_acq_rel
#undef memory_order_seq_cst
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno
#define errno (*__errno_location())

namespace arbiter::model {

// Where a load or store was called from: taken as a default argument. (std::source_location does the same, and is not in clang 14.)
struct Call {
  const char* file;
  const char* function;
  unsigned line;
};

// A place in the source that asks for an order. Fixed storage: relacy watches the heap.
struct Site {
  const char* file = "";
  std::uint32_t line = 0;
  std::memory_order order{};
  bool operator==(const Site& other) const { return line == other.line && order == other.order && std::strcmp(file, other.file) == 0; }
};

struct Sites {
  std::array<Site, 64> all{};
  std::size_t count = 0;
  void add(const Site& site) {
    for (std::size_t i = 0; i < count; ++i)
      if (all[i] == site) return;
    all.at(count++) = site;
  }
};
inline Sites passed;        // every place with an order stronger than relaxed, as it is passed
inline const Site* weak{};  // the one that is relaxed in this run

inline rl::memory_order order_at(std::memory_order order, const Call& at) {
  if (order == std::memory_order_relaxed) return rl::mo_relaxed;
  const Site site{at.file, at.line, order};
  passed.add(site);
  if (weak != nullptr && *weak == site) return rl::mo_relaxed;
  switch (order) {
    case std::memory_order_acquire: return rl::mo_acquire;
    case std::memory_order_release: return rl::mo_release;
    case std::memory_order_acq_rel: return rl::mo_acq_rel;
    default: return rl::mo_seq_cst;
  }
}

inline rl::debug_info where(const Call& at) { return {at.function, at.file, at.line}; }

// The words and records that relacy watches in this run; the test says which. Others are plain memory: nobody shares them.
struct Watched {
  static constexpr std::size_t kWordsMax = 16, kRecordsMax = 32;
  rl::atomic<std::uint64_t> word[kWordsMax];
  const void* word_at[kWordsMax]{};
  std::size_t words = 0;
  rl::var<unsigned> record[kRecordsMax];
  std::uint32_t record_offset[kRecordsMax]{};
  std::size_t records = 0;
  const std::byte* area = nullptr;
  std::size_t area_bytes = 0;

  void watch(const void* at, std::uint64_t value) {
    word_at[words] = at;
    word[words++].store(value, rl::mo_relaxed, rl::debug_info(__FUNCTION__, __FILE__, __LINE__));
  }
  rl::atomic<std::uint64_t>* find(const void* at) {
    for (std::size_t i = 0; i < words; ++i)
      if (word_at[i] == at) return &word[i];
    return nullptr;
  }
  // The records in [at, at + bytes), if that is in the lane. One that is not watched is memory that nobody was to touch.
  template <class Touch>
  void touch(const void* at, std::size_t bytes, Touch&& touch_record) {
    const auto* const begin = static_cast<const std::byte*>(at);
    if (begin < area || begin >= area + area_bytes) return;
    const auto first = static_cast<std::size_t>(begin - area) / 64, end = (static_cast<std::size_t>(begin - area) + bytes + 63) / 64;
    for (std::size_t offset = first; offset < end; ++offset) {
      std::size_t i = 0;
      while (i < records && record_offset[i] != offset) ++i;
      RL_ASSERT(i < records);
      touch_record(record[i]);
    }
  }
};
inline Watched* watched{};

inline int (*populate)(){};  // what madvise(MADV_POPULATE_WRITE) answers

}  // namespace arbiter::model

#define ARBITER_CALL \
  { __builtin_FILE(), __builtin_FUNCTION(), static_cast<unsigned>(__builtin_LINE()) }

namespace std {

template <class T>
class modelled_atomic {
 public:
  static constexpr bool is_always_lock_free = true;

  constexpr modelled_atomic(T value = {}) : plain_(value) {}
  T load(std::memory_order order, arbiter::model::Call at = ARBITER_CALL) const {
    rl::atomic<std::uint64_t>* const shared = arbiter::model::watched->find(this);
    return shared == nullptr ? plain_ : static_cast<T>(shared->load(arbiter::model::order_at(order, at), arbiter::model::where(at)));
  }
  void store(T value, std::memory_order order, arbiter::model::Call at = ARBITER_CALL) {
    if (rl::atomic<std::uint64_t>* const shared = arbiter::model::watched->find(this))
      shared->store(value, arbiter::model::order_at(order, at), arbiter::model::where(at));
    plain_ = value;
  }
  T fetch_add(T value, std::memory_order order, arbiter::model::Call at = ARBITER_CALL) {
    rl::atomic<std::uint64_t>* const shared = arbiter::model::watched->find(this);
    const T before = shared == nullptr
                         ? plain_
                         : static_cast<T>(shared->fetch_add(value, arbiter::model::order_at(order, at), arbiter::model::where(at)));
    plain_ = before + value;
    return before;
  }

  T fetch_and(T value, std::memory_order order, arbiter::model::Call at = ARBITER_CALL) {
    rl::atomic<std::uint64_t>* const shared = arbiter::model::watched->find(this);
    const T before = shared == nullptr
                         ? plain_
                         : static_cast<T>(shared->fetch_and(value, arbiter::model::order_at(order, at), arbiter::model::where(at)));
    plain_ = before & value;
    return before;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order, std::memory_order on_failure,
                             arbiter::model::Call at = ARBITER_CALL) {
    rl::atomic<std::uint64_t>& shared = *arbiter::model::watched->find(this);
    std::uint64_t found = expected;
    const bool done = shared.compare_exchange_weak(found, value, arbiter::model::order_at(order, at), arbiter::model::where(at),
                                                   arbiter::model::order_at(on_failure, at), arbiter::model::where(at));
    expected = static_cast<T>(found);
    if (done) plain_ = value;
    return done;
  }

 private:
  T plain_{};
};

inline void* modelled_memcpy(void* to, const void* from, std::size_t bytes) {
  arbiter::model::watched->touch(from, bytes, [](rl::var<unsigned>& record) { record($).load(); });
  arbiter::model::watched->touch(to, bytes, [](rl::var<unsigned>& record) { record($).store(1); });
  return memcpy(to, from, bytes);
}

}  // namespace std

inline int modelled_madvise(void*, std::size_t, int) { return arbiter::model::populate(); }

#define atomic modelled_atomic
#define memcpy modelled_memcpy
#define madvise modelled_madvise
