// What is summed over a set of events: exact, additive and subtractive, so that whole frames and blocks enter and leave by their sums.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "shm/event.hpp"

namespace arbiter::journal {

__extension__ typedef __int128 Int128;

struct Totals {
  std::array<std::uint64_t, kKinds + 1> events_by_kind{};  // [Kind]; [0] unused
  std::map<std::string, std::uint64_t, std::less<>> generic_by_type;  // kind 13 by its word; at most kGenericTypesMax, the rest under "(other)"
  std::uint64_t successes = 0;         // of task executions
  std::uint64_t joined = 0;            // executions whose start is known
  Int128 duration_ns = 0;              // over those

  static constexpr std::size_t kGenericTypesMax = 256;

  std::uint64_t events() const;
  std::uint64_t of(Kind k) const { return events_by_kind[static_cast<std::size_t>(k)]; }
  void add(const event::Values& stored);        // one event
  Totals& operator+=(const Totals& other);
  Totals& operator-=(const Totals& other);      // what was added before; never below zero
  bool operator==(const Totals&) const = default;
};

// Duration of an execution in its stored form; 0 if it ended before it began (the caller's clocks), nothing if its start is unknown.
std::optional<std::int64_t> duration_ns(const event::Values& execution);

}  // namespace arbiter::journal
