// The one writer of stored events as JSON: exports, queries and tasks' stories all show an event in this form.
//
//   {"id":"<32 hex>-<lane>-<sequence>","type":"task-execution","timestamp":"2026-11-23T06:40:00.123Z","timestampNs":"1790318400123456789",
//    "agentId":"..","taskId":"..","data":{..},"revision":1}
//
// in this order, on one line, without spaces. agentId and taskId where the event has them; of a generic event also traceId and spanId
// there, since its data is the caller's object and nothing else. data: the fields of the kind's table, in its order, those that are there;
// eventType last, where the kind has one. An execution's data ends with durationMs (exact, or null) and joinState (complete, orphan), a
// censored start's with joinState. revision only above 0. Counts are written as integers, reals as the shortest text that reads back as the
// same double, times (startedAtNs) as decimal strings, hashes as "anon-<32 hex>".
#pragma once

#include <cstdint>
#include <string>

#include "collector/journal/journal.hpp"

namespace arbiter::snapshot {

// Appends the object, without a newline. Allocates only as `out` grows. Any thread.
void append_event_json(std::string& out, const LaneId& lane, const event::Values& stored, std::uint32_t revision = 0);

inline void append_event_json(std::string& out, const journal::StoredEvent& e) { append_event_json(out, e.lane, e.values, e.revision); }

// Appends its `data` alone.
void append_event_data(std::string& out, const event::Values& stored);

// The shortest text that reads back as the same double.
void append_real(std::string& out, double value);

}  // namespace arbiter::snapshot
