#include "shm/segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace arbiter {
namespace {

constexpr std::string_view kPrefix = "lanes-";

int nibble(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string hex(const SegmentId& id) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * id.size());
  for (const std::uint8_t byte : id) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string segment_name(const SegmentId& id) { return std::string(kPrefix) + hex(id); }

std::optional<SegmentId> parse_segment_name(std::string_view name) {
  SegmentId id;
  if (name.size() != kPrefix.size() + 2 * id.size() || !name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  for (std::size_t i = 0; i < id.size(); ++i) {
    const int high = nibble(name[2 * i]), low = nibble(name[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return id;
}

std::string enabled_file(std::string_view ring_dir) {
  while (ring_dir.size() > 1 && ring_dir.ends_with('/')) ring_dir.remove_suffix(1);
  return std::string(ring_dir) + ".enabled";
}

bool recording_disabled(std::string_view ring_dir) { return says_disabled(enabled_file(ring_dir).c_str()); }

bool says_disabled(const char* enabled_file) noexcept {
  const int fd = open(enabled_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) return false;
  char text[3];
  const ssize_t bytes = read(fd, text, sizeof text);
  close(fd);
  return bytes > 0 && std::string_view(text, static_cast<std::size_t>(bytes)) == "0\n";
}

Mapping::~Mapping() {
  if (begin_ != nullptr) munmap(begin_, bytes_);
}

}  // namespace arbiter
