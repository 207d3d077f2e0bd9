/* The two trace points, as functions: their macros are no C++ that our warnings let pass. */
#pragma once

#include "tests/bench/peers/peer_event.h"

#if defined(__cplusplus)
extern "C" {
#endif
void lttng_fields(const struct peer_event* event);
void lttng_blob(const struct peer_event* event);
#if defined(__cplusplus)
}
#endif
