#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "tests/bench/peers/lttng_events.inc"

#include "tests/bench/peers/lttng_probes.h"

void lttng_fields(const struct peer_event* event) { lttng_ust_tracepoint(arbiter_bench, fields, event); }
void lttng_blob(const struct peer_event* event) { lttng_ust_tracepoint(arbiter_bench, blob, event); }
