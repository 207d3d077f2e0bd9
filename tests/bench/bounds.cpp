#include "tests/bench/bounds.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "shm/abi.hpp"
#include "shm/clock.hpp"
#include "tests/bench/measure.hpp"

namespace arbiter::bench {
namespace {

constexpr std::uint64_t kCalls = 1'000'000;

template <class Call>
double ns_per_call(Call&& call) {
  const std::uint64_t before = now_ns();
  for (std::uint64_t i = 0; i < kCalls; ++i) call(i);
  return static_cast<double>(now_ns() - before) / static_cast<double>(kCalls);
}

[[gnu::noinline]] void nothing(std::uint64_t i) { keep(i); }

}  // namespace

double store_ns(std::span<const std::byte> event, std::uint64_t events, bool stamped) {
  const std::size_t records = (event.size() + abi::kRecordBytes - 1) / abi::kRecordBytes;
  std::vector<std::byte> padded(records * abi::kRecordBytes), ring(abi::kLaneBytes);
  std::copy(event.begin(), event.end(), padded.begin());
  std::fill(ring.begin(), ring.end(), std::byte{1});
  std::atomic<std::uint64_t> published{0};  // release, as in a lane; nobody reads it
  std::byte* at = ring.data();
  const abi::ClockSource clock = best_clock();           // what stamps events here
  using Block [[gnu::vector_size(16)]] = std::uint64_t;  // not memcpy of the whole: that may become `rep movs`
  const std::uint64_t before = now_ns();
  for (std::uint64_t i = 0; i < events; ++i) {
    if (at + padded.size() > ring.data() + ring.size()) at = ring.data();
    for (std::size_t k = 0; k < padded.size(); k += sizeof(Block)) {
      Block block;
      std::memcpy(&block, padded.data() + k, sizeof block);
      std::memcpy(at + k, &block, sizeof block);
    }
    const std::uint64_t stamp = stamped ? ticks(clock) : i;
    std::memcpy(at, &stamp, sizeof stamp);
    at += padded.size();
    published.store(i, std::memory_order_release);
  }
  const double took = static_cast<double>(now_ns() - before) / static_cast<double>(events);
  keep(ring[17]);
  return took;
}

double cycles_ns() {
  return ns_per_call([](std::uint64_t) { keep(cycles()); });
}
double clock_gettime_ns() {
  return ns_per_call([](std::uint64_t) { keep(now_ns()); });
}
double empty_call_ns() { return ns_per_call(nothing); }

}  // namespace arbiter::bench
