// What a thread records: every call, and every byte of it, follows from the number of the thread's slot and of the call. So whoever finds
// an event knows which call made it, and whether it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/crash/ledger.hpp"

namespace arbiter::crash {

enum class What : std::uint8_t {
  decision,    // one record, or a few
  evaluation,  // one to some twenty records
  generic,     // up to a hundred
  start,       // the call after it is its completion
  complete,
  refused,  // breaks a rule
};

struct Call {
  std::uint32_t slot = 0, n = 0;
  What what = What::decision;
  std::uint32_t filling = 0;  // bytes
  std::int64_t time_ns = 0;   // its own time
  bool success = false;
};

Call call_of(const Ledger& ledger, std::uint32_t slot, std::uint32_t n);
std::string filling_of(const Call& call);
// Of a completion: is it recorded by the handle of its start? Else as from another process: the collector joins it, if the start was
// recorded.
constexpr bool by_handle(const Call& call) { return call.filling % 2 == 0; }
std::string task_of(const Call& call);  // of a completion: that of its start

inline constexpr std::uint32_t kHeavySlot = 0;  // every call of it is a generic event of some 35 KB
inline constexpr std::uint32_t kEvenSlot = 63;  // every call of it is a generic event, and all take the same room
inline constexpr std::int64_t kStepNs = 1000;   // between the times of successive calls of all slots
constexpr std::int64_t time_of(std::int64_t base_ns, std::uint32_t slot, std::uint32_t n) {
  return base_ns + (std::int64_t{n} * static_cast<std::int64_t>(kSlots) + slot) * kStepNs;
}

inline constexpr double kDurationMs = static_cast<double>(kSlots) * kStepNs / 1e6;  // of every execution

// Which call a task id names; the start, where a completion shares it.
struct Named {
  std::uint32_t slot, n;
};
std::optional<Named> parse_task(const std::string& task);

}  // namespace arbiter::crash
