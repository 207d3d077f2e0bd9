// What a manifest claims, read as text that anybody may have written.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/snapshot/output_file.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Its place among increments (chain.hpp).
struct ChainClaims {
  std::string from_cursor, to_cursor;  // from: empty in a full snapshot
  std::string predecessor_sha256;      // of its manifest; empty: followed by the cursor alone
  bool whole = false;                  // has all events of its range, so that others can follow it
  bool full() const { return from_cursor.empty(); }
};

struct Claims {
  std::uint64_t snapshot = 0;
  ChainClaims chain;
  std::optional<std::int64_t> since_ns;
  std::uint64_t events = 0, without_task = 0;
  std::map<std::string, std::uint64_t, std::less<>> by_type;
  std::optional<std::uint64_t> tasks, decisions;
  std::optional<Split> split;
  std::vector<FileInfo> files;  // names are plain names within the directory, each once, and those that their format and rows have
};

// Error: it is not the manifest of a snapshot that this version reads: what, and what to do.
Result<Claims> read_claims(std::string_view manifest_text);

}  // namespace arbiter::snapshot
