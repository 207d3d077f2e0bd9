// What is summed over a set of events: exact, additive and subtractive, so that whole frames and blocks enter and leave by their sums.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "collector/event_key.hpp"
#include "shm/event.hpp"

namespace arbiter::journal {

__extension__ typedef __int128 Int128;

// Under which name a generic event is counted: the first kMax words there were keep their own, all others go by kOther. A store has one
// registry, which only grows: so a word is counted under the same name when it comes and when it leaves.
class GenericNames {
 public:
  static constexpr std::size_t kMax = 256;
  static constexpr std::string_view kOther = "(other)";
  std::string_view name(std::string_view word);  // registers it if there is room
  std::string_view find(std::string_view word) const;

 private:
  std::set<std::string, std::less<>> names_;
};

struct Totals {
  std::array<std::uint64_t, kKinds + 1> events_by_kind{};             // [Kind]; [0] unused
  std::map<std::string, std::uint64_t, std::less<>> generic_by_type;  // kind 13 by its name of GenericNames; none is zero
  std::uint64_t successes = 0;                                        // of task executions
  std::uint64_t joined = 0;                                           // executions whose start is known
  Int128 duration_ns = 0;                                             // over those

  std::uint64_t events() const;
  std::uint64_t of(Kind k) const { return events_by_kind[static_cast<std::size_t>(k)]; }
  void add(const event::Values& stored, std::string_view generic_name);  // one event
  Totals& operator+=(const Totals& other);
  Totals& operator-=(const Totals& other);  // what was added before; never below zero
  bool operator==(const Totals&) const = default;
};

// Duration of an execution in its stored form; 0 if it ended before it began (the caller's clocks), nothing if its start is unknown.
std::optional<std::int64_t> duration_ns(const event::Values& execution);
std::int64_t duration_ns(std::int64_t started_ns, std::int64_t ended_ns);

// Time of an event in its stored form, and the time that retention goes by.
inline std::int64_t time_of(const event::Values& stored) { return event_time_ns(static_cast<std::int64_t>(stored.stamp), stored.time_ns); }
inline std::int64_t retention_time_of(const event::Values& stored) {
  return retention_time_ns(static_cast<std::int64_t>(stored.stamp), stored.time_ns);
}

namespace field {
inline constexpr unsigned kStarted = schema::field(Kind::task_execution, "startedAtNs");
inline constexpr unsigned kSuccess = schema::field(Kind::task_execution, "outcome.success");
inline constexpr unsigned kGenericType = schema::field(Kind::generic, "type");
}  // namespace field

}  // namespace arbiter::journal
