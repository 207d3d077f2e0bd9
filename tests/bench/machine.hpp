// What this is measured on, for whoever reads the figures elsewhere.
#pragma once

#include <boost/json/object.hpp>

namespace arbiter::bench {

// Processor, kernel, compiler, build; and just now: where the host has the processors, what storing 256 bytes and reading a clock costs.
boost::json::object machine();

}  // namespace arbiter::bench
