// What was found out about one file or directory, and how it is shown. One document, two ways to print it.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <string>

#include "collector/crypt/cipher.hpp"
#include "shm/result.hpp"

namespace arbiter::inspect {

struct Report {
  boost::json::object facts;  // in the order in which a person wants to read them
  bool sound = true;          // false: something in it is damaged; `facts` says what
};

// Called for each event of a file as one line of JSON, where events were asked for.
using EventLine = std::function<void(std::string_view)>;

// "name: value", nested ones indented; a list of objects as one block each.
std::string as_text(const boost::json::object& facts);

// "2026-11-23T06:40:00.123456789Z"
std::string time_text(std::int64_t unix_ns);

std::string hex_text(const void* bytes, std::size_t count);

// Each reads a file of its kind without writing, locking or mapping it, and believes nothing that it finds. Error: not even its first bytes
// can be read. Where a file is encrypted and its key is not among `keys`, it says so, and what can be seen from outside.
Result<Report> inspect_lanes(const std::string& path, const EventLine& events);
Result<Report> inspect_journal(const std::string& path, const EventLine& events, const crypt::Keyring& keys);
Result<Report> inspect_snapshot(const std::string& path, const EventLine& events, const crypt::Keyring& keys);

}  // namespace arbiter::inspect
