// A configuration file as read: which path has which value, and on which line it stands. Knows JSON, not keys.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "shm/result.hpp"

namespace arbiter::config {

struct Entry {
  std::vector<std::string> path;  // {"retention", "max_age"}
  unsigned line = 0;              // 0: not from a file
  boost::json::value value;       // of an object that has members: empty object, and its members follow as entries of their own
};

struct Document {
  std::vector<Entry> entries;  // in the order of the file
};

// JSON, with comments and trailing commas allowed. Error: "3: syntax error at column 7", the line first.
Result<Document> read_document(std::string_view with_comments);

// What came by the control socket.
Document document_of(const boost::json::object& object);

}  // namespace arbiter::config
