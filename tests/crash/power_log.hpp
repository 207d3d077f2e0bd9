// The log of what a process asked of the file system: what power_recorder.cpp writes and power_disk.cpp reads. Records follow each other in
// the order in which the calls took effect; of a sync there are two, before it began and after it had returned.
#pragma once

#include <cstdint>

namespace arbiter::power {

enum class Call : std::uint32_t {
  create = 1,  // path, none: it has no name; inode
  write,       // inode, offset, data
  resize,      // inode, offset: the new size
  allocate,    // inode, offset: at least this size
  sync_begin,  // inode; offset: which sync it is
  sync_end,    // the same
  rename,      // path, other: its new name
  link,        // path, or inode if it has no name; other: the further name
  unlink,      // path
  symlink,     // path; other: what it says
  mkdir,       // path; inode
  rmdir,       // path
  mark,        // path: what somebody else has to say
};

// Then `path` and `other`, without an end, and the data.
struct LogRecord {
  static constexpr std::uint32_t kMagic = 0x52575250;
  std::uint32_t magic;
  Call call;
  std::uint64_t inode;
  std::uint64_t offset;
  std::uint32_t path_bytes, other_bytes;
  std::uint64_t data_bytes;
};
static_assert(sizeof(LogRecord) == 40);

}  // namespace arbiter::power
