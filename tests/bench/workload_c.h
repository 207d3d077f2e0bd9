/* The events of workload.hpp as a user of C records them, compiled as C: in a struct that is filled in for each call; the typical one also
 * in a struct that is kept, of which each call sets the fields that it gives. */
#pragma once

#include <arbiter/producer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each returns 1 if event number i was recorded. */
int bench_c_small(arbiter_producer* producer, uint64_t i);
int bench_c_typical(arbiter_producer* producer, uint64_t i);
int bench_c_kept(arbiter_producer* producer, arbiter_task_execution* kept, uint64_t i);
int bench_c_large(arbiter_producer* producer, uint64_t i);

/* The typical event by the run that arbiter_start_task gave. */
int bench_c_start(arbiter_producer* producer, arbiter_run* run);
int bench_c_complete(arbiter_run* run, uint64_t i);

#ifdef __cplusplus
}
#endif
