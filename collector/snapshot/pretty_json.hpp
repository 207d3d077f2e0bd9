// JSON for people to read: indented by two, reals in their shortest form.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace arbiter::snapshot {

std::string pretty_json(const boost::json::value& value);  // with a newline at the end

}  // namespace arbiter::snapshot
