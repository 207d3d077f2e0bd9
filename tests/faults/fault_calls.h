/* What a test decides of the calls of a process that runs with fault_calls.c preloaded: a file that both have mapped. */
#pragma once

#include <stdint.h>

/* Every word by __atomic built-ins, relaxed: each stands for itself. */
struct fault_calls {
  int64_t realtime_offset_ns; /* added to CLOCK_REALTIME */
  int64_t syncs_to_fail;      /* the next so many fdatasync fail with EIO: */
  int64_t fail_every_file;    /* 0: those of raw journal segments alone */
  int64_t syncs;              /* fdatasync calls so far, failed ones included */
  int64_t syncs_failed;
  int64_t syncs_of_failed; /* of the file whose fdatasync failed last, since then */
  uint64_t failed_device, failed_inode;
  int64_t clock_reads; /* of CLOCK_REALTIME: do the program's calls come through here? */
};

/* The variable that names the file. */
#define FAULT_CALLS_FILE "TEST_FAULT_CALLS_FILE"
