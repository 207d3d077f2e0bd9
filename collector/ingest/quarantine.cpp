#include "collector/ingest/quarantine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>
#include <utility>

#include "shm/segment.hpp"

namespace arbiter::ingest {
namespace {

constexpr std::size_t kKeptBackMax = 256 * 1024;

std::string hex(std::span<const std::byte> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : bytes) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

}  // namespace

bool LineBudget::take(std::int64_t now_ns) {
  // A clock that was set back starts the interval again; one that jumped ahead fills the burst and no more.
  if (filled_ns_ == INT64_MIN || now_ns < filled_ns_) filled_ns_ = now_ns;
  const std::uint64_t passed = static_cast<std::uint64_t>(now_ns) - static_cast<std::uint64_t>(filled_ns_);
  filled_ns_ = now_ns - static_cast<std::int64_t>(passed % every_ns_);
  left_ += static_cast<std::uint32_t>(std::min<std::uint64_t>(passed / every_ns_, burst_ - left_));
  if (left_ == 0) return false;
  --left_;
  return true;
}

Quarantine::~Quarantine() {
  flush();
  close_file();
}

void Quarantine::put(const Entry& entry) {
  Segment& segment = segments_[entry.lane.segment];
  if (segment.lines == kLinesMax || !segment.budget.take(entry.at_ns) || !all_.take(entry.at_ns)) {
    ++segment.left_out;
    ++left_out_;
    return;
  }
  ++segment.lines;
  boost::json::object line{{"atNs", std::to_string(entry.at_ns)}, {"id", event_id(entry.lane, entry.sequence)}, {"reason", entry.reason}};
  if (!entry.kind.empty()) line["type"] = entry.kind;
  if (!entry.field.empty()) line["field"] = entry.field;
  line["size"] = entry.bytes.size();
  if (with_bytes_) line["bytes"] = hex(entry.bytes.first(std::min(entry.bytes.size(), kShownMax)));
  kept_back_ += boost::json::serialize(line) + "\n";
  if (kept_back_.size() > kKeptBackMax) flush();
}

void Quarantine::forget(const SegmentId& id, std::int64_t now_ns) {
  const auto segment = segments_.find(id);
  if (segment == segments_.end()) return;
  if (segment->second.left_out != 0)
    kept_back_ += boost::json::serialize(boost::json::object{{"atNs", std::to_string(now_ns)},
                                                             {"segment", arbiter::hex(id)},
                                                             {"reason", "more was set aside than has a line here"},
                                                             {"count", segment->second.left_out}}) +
                  "\n";
  segments_.erase(segment);
}

void Quarantine::flush() {
  if (kept_back_.empty()) return;
  const std::string text = std::exchange(kept_back_, {});
  struct stat now {};
  if (fd_ >= 0 && (fstat(fd_, &now) != 0 || now.st_nlink == 0)) close_file();  // somebody has removed it
  const auto lost = [&] { left_out_ += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')); };
  if (fd_ < 0 && !open_file()) return lost();
  if (file_bytes_ != 0 && file_bytes_ + text.size() > kBytesMax) {
    close_file();
    std::rename(path_.c_str(), (path_ + ".1").c_str());
    if (!open_file()) return lost();
  }
  if (write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    file_bytes_ += text.size();
    return;
  }
  // No room: half a line would spoil the next one too.
  lost();
  if (ftruncate(fd_, static_cast<off_t>(file_bytes_)) != 0) close_file();
}

bool Quarantine::open_file() {
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return false;
  struct stat now {};
  file_bytes_ = fstat(fd_, &now) == 0 ? static_cast<std::size_t>(now.st_size) : 0;
  return true;
}

void Quarantine::close_file() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace arbiter::ingest
