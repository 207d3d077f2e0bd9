// Frames of the journal, counted; and the segments that hold them compressed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "collector/crypt/stream.hpp"
#include "collector/journal/file.hpp"
#include "collector/journal/frame.hpp"
#include "tools/arbiter-inspect/report.hpp"

namespace arbiter::inspect {

struct FrameCount {
  std::uint64_t frames = 0, tables = 0, first_frame = 0, last_frame = 0;
  std::int64_t last_written_ns = 0;
  std::uint64_t events = 0, cursors = 0, lanes_closed = 0, amendments = 0, clears = 0;
  std::uint64_t bad_frames = 0;  // whose entries do not add up
  std::int64_t oldest_ns = INT64_MAX, newest_ns = INT64_MIN;
  std::map<std::string, std::uint64_t> events_by_type;

  void add(const journal::Frame& frame, const EventLine& line);
  void show(boost::json::object& facts) const;
};

Result<Report> sealed_segment(const std::shared_ptr<journal::File>& file, Report report, const EventLine& line, const crypt::Keyring& keys);
// What is said of a file whose key was not given.
Result<Report> not_decrypted(Report report, const EventLine& line);

// First bytes of an encrypted checkpoint (crypt/stream.hpp).
inline constexpr std::uint64_t kEncryptedMagic = std::bit_cast<std::uint64_t>(crypt::kStreamMagic);

}  // namespace arbiter::inspect
