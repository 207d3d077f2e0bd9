// The JSON Schema (draft 2020-12) of one line of events.jsonl, made from the table of events, so that it cannot say anything else.
//
// It is open: a later minor version appends members, and what fits that one also fits this one. A major version has another name.
#pragma once

#include <boost/json/object.hpp>

namespace arbiter::snapshot {

boost::json::object event_schema();

}  // namespace arbiter::snapshot
