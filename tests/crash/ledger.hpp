// What the threads of a producer were told, in a file that they share with the test: it is there whatever becomes of them.
//
//   Slot        one thread, from its first record call to its last
//   begun       calls that were begun; ended: calls that have answered. A kill leaves at most one call between the two.
//   answer[n]   what call n (from 1) answered
//
// A thread writes its slot, the test reads it. Release stores, acquire loads: who sees a call ended sees its answer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>

namespace arbiter::crash {

enum class Answer : std::uint8_t { none, recorded, full, no_lane, refused, disabled };

inline constexpr std::size_t kSlots = 64;
inline constexpr std::uint32_t kCallsMax = 6000;

struct Slot {
  std::atomic<std::uint32_t> begun, ended;
  std::array<std::atomic<Answer>, kCallsMax + 1> answer;
};

struct Ledger {
  std::int64_t base_ns;              // of the events' own times
  std::atomic<std::uint32_t> stage;  // how far the producer at work has come; set back by the test
  std::array<Slot, kSlots> slots;
};

// The file, mapped; made of zeros if it is missing. Ends the process if it cannot be.
Ledger& map_ledger(const std::filesystem::path& file);

}  // namespace arbiter::crash
