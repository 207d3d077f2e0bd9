// What the journal remembers of a set of events without keeping them: sums, ranges, kinds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "collector/journal/format.hpp"
#include "collector/journal/totals.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::journal {

inline EventKey retention_key(const LaneId& lane, const event::Values& stored) {
  return {retention_time_of(stored), lane, stored.sequence};
}

inline std::string_view generic_word(const event::Values& stored) {
  if (stored.kind != Kind::generic || !stored.has(field::kGenericType)) return {};
  const event::Text& word = stored.text[field::kGenericType];
  return word.hashed ? GenericNames::kOther : word.bytes();
}

// The name that an event is counted under, registered if it is new; nothing for the kinds that have no type word.
inline std::string_view generic_name(GenericNames& names, const event::Values& stored) {
  return stored.kind == Kind::generic ? names.name(generic_word(stored)) : std::string_view();
}

struct Summary {
  Totals totals;
  std::uint64_t events = 0;
  std::uint32_t kinds = 0;  // bit Kind
  EventKey min_key = kAfterAll, max_key = kBeforeAll;
  std::int64_t min_time_ns = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_time_ns = std::numeric_limits<std::int64_t>::min();

  void add(const LaneId& lane, const event::Values& stored, std::string_view generic_name) {
    totals.add(stored, generic_name);
    ++events;
    kinds |= 1u << static_cast<unsigned>(stored.kind);
    const EventKey key = retention_key(lane, stored);
    if (key < min_key) min_key = key;
    if (max_key < key) max_key = key;
    const std::int64_t time = time_of(stored);
    min_time_ns = std::min(min_time_ns, time);
    max_time_ns = std::max(max_time_ns, time);
  }
  Summary& operator+=(const Summary& o) {
    totals += o.totals;
    events += o.events;
    kinds |= o.kinds;
    min_key = std::min(min_key, o.min_key);
    max_key = std::max(max_key, o.max_key);
    min_time_ns = std::min(min_time_ns, o.min_time_ns);
    max_time_ns = std::max(max_time_ns, o.max_time_ns);
    return *this;
  }
};

void write_totals(Writer& out, const Totals& totals);
Totals read_totals(Reader& in);
void write_summary(Writer& out, const Summary& summary);
Summary read_summary(Reader& in);

}  // namespace arbiter::journal
