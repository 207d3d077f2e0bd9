// One line of a snapshot's events.jsonl back into the values that a producer records: the reverse of the collector's writer of events.
//
// What the export derived (id, revision, durationMs, joinState, the agentId and taskId beside `data`) is derived anew and not taken; an
// unknown field is refused, since leaving it out would not be the same event. Ids of the form "anon-<32 hex digits>" stay the hashes they
// are.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "shm/event.hpp"
#include "shm/result.hpp"

namespace arbiter::replay {

class Importer {
 public:
  // False in `keep_time`: the event is recorded as of now, and times that it carries of its start and decision are left out.
  explicit Importer(bool keep_time) : keep_time_(keep_time) {}

  // `line` is a JSON object with `type` and `data`. What is returned holds views of `line` and of this importer, until the next call.
  Result<const event::Values*> read(std::string_view line);

 private:
  Result<void> read_data(std::string_view object, std::string_view prefix);
  Result<void> read_field(unsigned f, std::string_view value);
  Result<void> read_list(const schema::List& list, unsigned f, std::string_view value);
  Result<void> read_item_field(const schema::Field& field, std::string_view value, bool& present, double& number, event::Text& text);
  Result<void> read_derived(std::string_view path, std::string_view value, bool& known);
  event::Text string_of(std::string_view value);  // hashes in their shown form become hashes again
  std::string& hold();

  bool keep_time_;
  event::Values values_;
  std::deque<std::string> held_;  // strings that are not slices of the line; a deque, so that they stay where they are
  std::size_t held_used_ = 0;
};

// "2026-11-23T06:40:00.123Z" in Unix nanoseconds.
Result<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace arbiter::replay
