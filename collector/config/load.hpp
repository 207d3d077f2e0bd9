// From a file, the command line and the places to a checked Config; and from a running one and a change to the next.
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "collector/config/config.hpp"
#include "collector/config/places.hpp"
#include "shm/result.hpp"

namespace arbiter::config {

inline constexpr int kBadConfiguration =
    78;  // EX_CONFIG: what a program exits with when one of these errors meets it; also their Error::code

// What the command line says; empty: nothing.
struct Options {
  std::string file;  // must be there when named; else the usual place is read if a file is there
  std::string instance;
  std::string ring_dir, state_dir, export_dir, socket;  // before the file's; made absolute
};

struct Loaded {
  Config config;
  Places places;
  std::string file;  // the one that was read; empty: none
};

// The same call at start and at SIGHUP. Every fault found is one line of the error: "FILE:LINE: KEY: what is wrong: what is allowed".
Result<Loaded> load(const Options& options, const Surroundings& who);

// `text` over the defaults, places not filled in. `name` stands in front of the errors.
Result<Config> parse(std::string_view text, std::string_view name);

// `base` with `changes` (the shape of the file; a key that is not there stays as it is) laid over it. Places not filled in.
Result<Config> merged(const Config& base, const boost::json::object& changes);

// "retention.max_events=100" as the `changes` of merged(): the value as in the file, quotes may be left out; a list with commas.
Result<boost::json::object> assignment(std::string_view key_equals_value);

}  // namespace arbiter::config
