// Records events that are already in the form of the table: for importers, which read them from a file. Not installed.
#pragma once

#include "arbiter/producer.hpp"
#include "shm/event.hpp"

namespace arbiter::producer {

// As Producer::record, for any kind, with the rules of event::validate. `stamp` and `sequence` are the library's to fill in; a time of
// one's own goes into `time_ns`. No id is made.
RecordResult record(Producer& producer, const event::Values& values) noexcept;

}  // namespace arbiter::producer
