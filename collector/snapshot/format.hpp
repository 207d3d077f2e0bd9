// What a snapshot's data can be written as. A format is one file, or several like it (writers.hpp); a new one is a class and a line in the
// table of format.cpp. Rows of a kind are made once, and taken by every format that is made of them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/decision_row.hpp"
#include "collector/snapshot/output_file.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Writes one data file: begin, its rows in their order, finish. Of the functions for rows that of its kind of rows alone is called; what
// they are given stays for the call only.
class Format {
 public:
  virtual ~Format() = default;
  virtual Result<void> begin(const Place& place) = 0;
  // In the total order (EventKey). `line`: the event as JSON, without a newline.
  virtual Result<void> event(const journal::StoredEvent&, std::string_view /*line*/) { return {}; }
  // In pieces, the last of which ends it; in the order of the task ids' bytes.
  virtual Result<void> trajectory(std::string_view /*piece*/, bool /*ends*/) { return {}; }
  // What is known of all decisions (to a format of one file alone), then each, in the total order of their events.
  virtual Result<void> decisions(const DecisionTotals&) { return {}; }
  virtual Result<void> decision(const DecisionRow&) { return {}; }
  virtual Result<FileInfo> finish() = 0;
  virtual std::uint64_t bytes() const = 0;  // that it has come to, nearly
};

// What a row of the file is.
enum class Rows : std::uint8_t { events, trajectories, decisions, places };  // places: of events, beside them (chain.hpp)

struct Claims;

// A data file of a snapshot that is verified: open, and of the size and SHA-256 that the manifest claims.
struct CheckedFile {
  int fd;
  const FileInfo& claimed;
  bool compressed() const { return claimed.name.ends_with(".zst"); }
};

// Looks into the files of a format, one after the other in the order of the manifest, train first.
class RowCheck {
 public:
  virtual ~RowCheck() = default;
  // What is wrong with it, or nothing; `rows`: its rows, up to there. Error: it could not be read.
  virtual Result<std::string> file(const CheckedFile& file, std::uint64_t& rows) = 0;
  // After the last: what is wrong with all of them together.
  virtual Result<std::string> finish() = 0;
};

struct FormatInfo {
  std::string_view name;  // of the file, where it is one
  Rows rows;
  bool one_file;  // however large
  std::unique_ptr<Format> (*make)(std::string_view file_name);
  std::unique_ptr<RowCheck> (*check)(const Claims& claims);
};

std::span<const FormatInfo> formats();
const FormatInfo* find_format(std::string_view name);

// The formats of these names, each once, in the order of the table. Error: a name that is none, with those there are; or no name at all.
Result<std::vector<const FormatInfo*>> choose_formats(std::span<const std::string> names);

// Implementations.
std::unique_ptr<Format> make_lines(std::string_view file_name);
std::unique_ptr<Format> make_decisions_dsjson(std::string_view file_name);
std::unique_ptr<Format> make_decisions_npy(std::string_view file_name);
std::unique_ptr<Format> make_decisions_parquet(std::string_view file_name);
std::unique_ptr<Format> make_places(std::string_view file_name);
std::unique_ptr<Format> make_events_parquet(std::string_view file_name);

}  // namespace arbiter::snapshot
