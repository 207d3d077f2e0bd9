// What a snapshot's data can be written as. A format is one file; a new one is a class and a line in the table of format.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/journal/journal.hpp"
#include "collector/snapshot/output_file.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

// Writes one data file: begin, every event of the snapshot in the total order (EventKey), finish.
class Format {
 public:
  virtual ~Format() = default;
  virtual Result<void> begin(const std::string& directory) = 0;
  // `line`: the event as JSON, without a newline. Both stay for the call only.
  virtual Result<void> event(const journal::StoredEvent& e, std::string_view line) = 0;
  virtual Result<FileInfo> finish() = 0;
};

// What a row of the file is.
enum class Rows : std::uint8_t { events, trajectories };

struct FormatInfo {
  std::string_view name;  // of the file
  Rows rows;
  std::unique_ptr<Format> (*make)(const FormatInfo& info, std::size_t sort_memory_bytes);
};

std::span<const FormatInfo> formats();
const FormatInfo* find_format(std::string_view name);

// The formats of these names, each once, in the order of the table. Error: a name that is none, with those there are; or no name at all.
Result<std::vector<const FormatInfo*>> choose_formats(std::span<const std::string> names);

// Implementations.
std::unique_ptr<Format> make_event_lines(const FormatInfo& info, std::size_t sort_memory_bytes);
std::unique_ptr<Format> make_trajectories(const FormatInfo& info, std::size_t sort_memory_bytes);

}  // namespace arbiter::snapshot
