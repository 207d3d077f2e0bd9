// A configuration written out: as a documented file, as JSON, and the schema of both.
#pragma once

#include <boost/json/object.hpp>

#include <string>

#include "collector/config/config.hpp"

namespace arbiter::config {

// The file, every key with its sentence, its default and what is allowed in a comment. Parses back to the same Config. What
// `--print-config` prints; of Config{} it is config/collector.json.
std::string documented(const Config& config);

boost::json::object json_of(const Config& config);  // the same without comments, nested

std::string schema();  // JSON Schema 2020-12 of the file: config/collector.schema.json

}  // namespace arbiter::config
