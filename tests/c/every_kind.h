/* One event of each kind with each of its fields: what every_function.c records and what the collector must give back. */
#pragma once

#include <arbiter/producer.h>

/* 2024-10-27T03:33:20Z, and some nanoseconds that a double would lose. */
#define THEN_NS INT64_C(1730000000123456789)
#define TRACE_ID "0123456789abcdef0123456789abcdef"
#define SPAN_ID "fedcba9876543210"

/* Records them all by the functions named for them, the n-th at THEN_NS + n. Returns how many were recorded; says on stderr which were not.
 */
int record_every_kind(arbiter_producer* producer);

/* The same by arbiter_record_batch, the n-th at THEN_NS + 100 + n. */
int record_every_kind_in_a_batch(arbiter_producer* producer);
