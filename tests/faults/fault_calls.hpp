// What a test decides of the calls of a process that runs with fault_calls.cpp preloaded: a file that both have mapped.
#pragma once

#include <cstdint>

// Every word by __atomic built-ins, relaxed: each stands for itself.
struct FaultWords {
  std::int64_t realtime_offset_ns;  // added to CLOCK_REALTIME
  std::int64_t syncs_to_fail;       // the next so many fdatasync fail with EIO:
  std::int64_t fail_every_file;     // 0: those of raw journal segments alone
  std::int64_t syncs;               // fdatasync calls so far, failed ones included
  std::int64_t syncs_failed;
  std::int64_t syncs_of_failed;  // of the file whose fdatasync failed last, since then
  std::uint64_t failed_device, failed_inode;
  std::int64_t clock_reads;  // of CLOCK_REALTIME: do the program's calls come through here?
};

// The variable that names the file.
inline constexpr char kFaultCallsFile[] = "TEST_FAULT_CALLS_FILE";
