// What this process takes of the machine, as the kernel counts it.
#pragma once

#include <cstdint>
#include <optional>

namespace arbiter::service {

struct OwnUse {
  std::uint64_t anonymous_bytes = 0;  // its own memory: RssAnon
  std::uint64_t file_bytes = 0;       // mapped files: RssFile
  std::uint64_t shared_bytes = 0;     // lanes that it has looked at, above all: RssShmem
  std::uint64_t virtual_bytes = 0;
  double cpu_seconds = 0;
  double started_unix_seconds = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
};
std::optional<OwnUse> own_use();  // nothing: there is no /proc

}  // namespace arbiter::service
