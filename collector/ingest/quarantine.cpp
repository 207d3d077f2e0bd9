#include "collector/ingest/quarantine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdio>

namespace arbiter::ingest {
namespace {

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

void Quarantine::put(const Entry& entry) {
  boost::json::object line{{"atNs", std::to_string(entry.at_ns)}, {"id", event_id(entry.lane, entry.sequence)}, {"reason", entry.reason}};
  if (!entry.kind.empty()) line["type"] = entry.kind;
  if (!entry.field.empty()) line["field"] = entry.field;
  line["size"] = entry.bytes.size();
  if (with_bytes_) line["bytes"] = hex(entry.bytes.first(std::min(entry.bytes.size(), kShownMax)));
  const std::string text = boost::json::serialize(line) + "\n";

  struct stat now {};
  if (stat(path_.c_str(), &now) == 0 && static_cast<std::size_t>(now.st_size) + text.size() > kBytesMax)
    std::rename(path_.c_str(), (path_ + ".1").c_str());
  const int fd = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t written = write(fd, text.data(), text.size());
  close(fd);
}

}  // namespace arbiter::ingest
