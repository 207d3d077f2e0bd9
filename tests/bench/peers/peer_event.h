/* The event of the peers: as many bytes as three records of a lane, which our typical event takes. C, because LTTng's probes are. */
#pragma once

#include <stdint.h>

struct peer_event { /* 24 fields */
  uint64_t sequence, stamp;
  char execution_id[36], task_id[36], agent_id[36], task_type[12];
  double quality, efficiency;
  uint32_t success, numbers[3];
  uint16_t shares[12];
};
#if defined(__cplusplus)
static_assert(sizeof(struct peer_event) == 192, "three records");
#else
_Static_assert(sizeof(struct peer_event) == 192, "three records");
#endif
