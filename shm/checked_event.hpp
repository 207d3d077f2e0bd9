// Decodes and validates an event of a lane in one walk: what the collector does to each.
//
// event.hpp has the rules, value by value. Here is what can be said of many values at once, for events with which nothing is wrong, as
// nearly all are; of the others event.hpp says what it is.
#pragma once

#include <cstddef>
#include <span>

#include "shm/event.hpp"

namespace arbiter::event {

struct Checked {
  Malformed shape = Malformed::none;
  Fault fault;  // of a value, if the shape is right
};

// The same as decode(), and validate() of what it gives. Allocates nothing.
Checked decode_and_validate(std::span<const std::byte> bytes, Values& out);

}  // namespace arbiter::event
