// JSON on one line, reals in their shortest form that reads back the same: 0.35, where Boost.JSON writes 3.5E-1.
#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace arbiter::control {

std::string json_line(const boost::json::value& value);  // without an end of line

}  // namespace arbiter::control
