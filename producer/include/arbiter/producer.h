/* The producer, in C: what an agent process records events with. What producer.hpp is in C++, and what other languages bind to.
 *
 *   #include <arbiter/producer.h>
 *
 *   arbiter_producer *producer = arbiter_producer_create(NULL);
 *   arbiter_task_start start = {.struct_size = sizeof start, .task_id = arbiter_str("task-1"), .agent_id = arbiter_str("agent-7")};
 *   arbiter_run run;
 *   arbiter_start_task(producer, &start, &run);
 *   ...
 *   arbiter_completion done = {.struct_size = sizeof done, .outcome = {.success = arbiter_bool(1), .quality_score = arbiter_num(0.9)}};
 *   if (arbiter_run_complete(&run, &done) != ARBITER_RECORDED) fprintf(stderr, "%s\n", arbiter_last_error());
 *
 * Events go into shared memory, from where the collector (arbiter-collector) takes them. Nothing here blocks or prints, and no exception
 * leaves it. A collector need not run: what is recorded before it starts, while it restarts and after it is gone waits in shared memory, as
 * long as there is room.
 *
 * Any number of threads may use one producer, and any number of producers may be used side by side; each thread writes a lane of its own,
 * which it takes up with its first record (system calls, a fraction of a millisecond) and gives back when it exits. After fork() parent and
 * child both go on recording, with the handles they have; the child takes up lanes of its own.
 *
 * Of the functions that record it holds: they allocate nothing, take no lock, wait for nobody (but see wait_up_to_ns) and make no system
 * call once the thread's lane exists, other than a non-blocking datagram to the collector at most twice around the ring and the growing of
 * the lane (at most five times in its life). Thread-safe. In a signal handler: safe, but dropped if it interrupted a record. */
#pragma once

#include <arbiter/events.h>

#if defined(__GNUC__)
#define ARBITER_API __attribute__((visibility("default")))
#else
#define ARBITER_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Versions */

/* Of this header: major << 16 | minor. Within a major nothing that a caller relies on is taken away; a minor adds functions and fields. */
#define ARBITER_ABI_VERSION 0x10001u

/* Of the library that is loaded. A caller is served by one of the same major and of a minor no less than that of its header. */
ARBITER_API uint32_t arbiter_abi_version(void);

/* Of the release: "0.1.0". Static. */
ARBITER_API const char* arbiter_version(void);

/* --- What became of a call */

typedef enum arbiter_status {
  ARBITER_RECORDED = 0, /* in shared memory */
  ARBITER_DISABLED = 1, /* recording is switched off: by ARBITER_DISABLE=1 or by the collector's configuration. No attempt. */
  ARBITER_DROPPED = 2,  /* there was no room for it, or no lane to put it into; counted */
  ARBITER_REFUSED = 3,  /* the event breaks a rule of events.h; counted */
  ARBITER_INVALID = 4   /* the call is wrong: a null handle or event, a struct_size that cannot be, an unknown kind. Not counted. */
} arbiter_status;

/* About the calling thread's last call that answered anything but ARBITER_RECORDED, or null for want of a handle; "" if there was none.
 * Never null. Like errno, it is left alone by calls that go well. */

/* "routing-decision: confidence: is out of its range". Valid until the thread's next call of this function. */
ARBITER_API const char* arbiter_last_error(void);
/* The field that breaks a rule, as exports name it ("outcome.qualityScore"); "" where the rule is about the event as a whole. Static. */
ARBITER_API const char* arbiter_last_error_field(void);
/* The rule ("is out of its range"); if dropped: why ("the lane is full"). Static. */
ARBITER_API const char* arbiter_last_error_rule(void);

/* --- Producers */

typedef struct arbiter_producer arbiter_producer;

typedef struct arbiter_producer_options {
  size_t struct_size;

  /* The directory of lanes. Not given: the environment variable ARBITER_RING_DIR; else /run/arbiter/lanes if this process may write there;
   * else $XDG_RUNTIME_DIR/arbiter/lanes (without XDG_RUNTIME_DIR: /dev/shm/arbiter-<uid>/lanes) if it exists and is this user's. A
   * directory that is named here or in ARBITER_RING_DIR is made if it is missing (mode 0700, parents too); the others are not. */
  arbiter_string ring_dir;

  /* Keeps several collectors on one machine apart: with "blue", /run/arbiter-blue/lanes and so on. Letters, digits, '-', '_' and '.'. */
  arbiter_string instance;

  /* How long a record call may wait for room in a full lane before it drops the event, nanoseconds. 0: not at all. */
  int64_t wait_up_to_ns;
} arbiter_producer_options;

/* `options` may be null: all defaults. Reads the environment (ARBITER_DISABLE=1 makes every call answer ARBITER_DISABLED). Makes no file:
 * that is left to the first record of each thread. Some memory is kept until the process ends; do not make producers in a loop. Null only
 * if the options cannot be read (struct_size), or without memory; arbiter_last_error() says which. */
ARBITER_API arbiter_producer* arbiter_producer_create(const arbiter_producer_options* options);

/* Lanes stay with their threads, which may have other producers for the same directory, and runs may still be completed; a thread that has
 * done with the directory calls arbiter_detach_thread before. No other thread may be using the producer. Null: nothing. */
ARBITER_API void arbiter_producer_destroy(arbiter_producer* producer);

/* Claims the calling thread's lane ahead of its first record. 1: it has one. 0: none could be had now; arbiter_producer_problem says why.
 */
ARBITER_API int arbiter_attach_thread(arbiter_producer* producer);

/* Gives the calling thread's lane for the producer's directory back ahead of the thread's exit: what it has recorded stays to be collected,
 * and its next record claims a lane again, which may take as long as its first. If no thread of the process holds another lane of the same
 * file, the file is let go of (128 MiB of address space, and the memory that its lanes have), as if the process had ended: the collector
 * removes it when it has read it. While no collector is there to do so, the file stays for the next record of the process. Without a lane,
 * in a child that has not recorded yet, in a signal handler that interrupted a call of this library, and for null: nothing. Takes a lock
 * and makes system calls, a fraction of a millisecond. Since 1.1. */
ARBITER_API void arbiter_detach_thread(arbiter_producer* producer);

/* Waits until the collector has acknowledged, which is to say journalled, all that this process has recorded into the producer's
 * directory before the call: by all its threads and producers. 1: it has. 0: not within `timeout_ns` (0 or less: one look), or it never
 * will, because a lane's file was taken away with events in it. What a file held that was let go of by arbiter_detach_thread counts as
 * acknowledged when the file is gone, unless its directory is gone too: only the collector removes single files, once it has journalled
 * them. Sleeps between looks; other threads' records are not held up. Allocates, takes a lock and makes system calls: not for signal
 * handlers. What was dropped or refused is not waited for: see the account. */
ARBITER_API int arbiter_flush(arbiter_producer* producer, int64_t timeout_ns);

/* What this process has tried to record into the producer's directory, all its threads and producers together, and what became of it:
 * attempted == recorded + lane_full + no_lane + reentrant + refused, but for calls that are under way at this moment. */
typedef struct arbiter_account {
  size_t struct_size; /* in: set by the caller; the library fills in what fits */
  uint64_t attempted;
  uint64_t recorded;
  uint64_t lane_full; /* dropped: the collector was not fast enough, or there is none */
  uint64_t no_lane;   /* dropped: no lane could be had; arbiter_producer_problem says why */
  uint64_t reentrant; /* dropped: recorded in a signal handler that had interrupted a record of the same thread */
  uint64_t refused;
} arbiter_account;

/* ARBITER_RECORDED, or ARBITER_INVALID. Takes a lock: not for signal handlers. */
ARBITER_API arbiter_status arbiter_producer_account(arbiter_producer* producer, arbiter_account* account);

/* Why this process last got no lane: "what failed on what: why"; "" if it has one, or has not tried. Writes as much as fits and a NUL, and
 * returns the length of the whole, as snprintf does. Takes a lock: not for signal handlers. */
ARBITER_API size_t arbiter_producer_problem(arbiter_producer* producer, char* buffer, size_t buffer_size);

/* --- Recording */

/* An id that the library made: 26 to 40 characters, never given out twice by any process anywhere. Empty if the caller gave an id, or if
 * nothing was recorded and nothing will be: disabled, refused, invalid, or in a signal handler that interrupted a record. */
typedef struct arbiter_id {
  uint32_t size;
  char text[44]; /* ended by a NUL */
} arbiter_id;

/* Each records one event. `made_id`: where the id goes that the library makes when the event has none; null if it is not wanted. */
ARBITER_API arbiter_status arbiter_record_agent_registration(arbiter_producer* producer, const arbiter_agent_registration* event);
ARBITER_API arbiter_status arbiter_record_agent_status_change(arbiter_producer* producer, const arbiter_agent_status_change* event);
ARBITER_API arbiter_status arbiter_record_routing_decision(arbiter_producer* producer, const arbiter_routing_decision* event,
                                                           arbiter_id* made_id);
ARBITER_API arbiter_status arbiter_record_task_start(arbiter_producer* producer, const arbiter_task_start* event, arbiter_id* made_id);
ARBITER_API arbiter_status arbiter_record_task_execution(arbiter_producer* producer, const arbiter_task_execution* event);
ARBITER_API arbiter_status arbiter_record_constitutional_validation(arbiter_producer* producer,
                                                                    const arbiter_constitutional_validation* event);
ARBITER_API arbiter_status arbiter_record_thinking_budget_allocation(arbiter_producer* producer,
                                                                     const arbiter_thinking_budget_allocation* event);
ARBITER_API arbiter_status arbiter_record_thinking_budget_usage(arbiter_producer* producer, const arbiter_thinking_budget_usage* event);
ARBITER_API arbiter_status arbiter_record_minimality_evaluation(arbiter_producer* producer, const arbiter_minimality_evaluation* event);
ARBITER_API arbiter_status arbiter_record_model_judgment(arbiter_producer* producer, const arbiter_model_judgment* event);
ARBITER_API arbiter_status arbiter_record_rl_training_metrics(arbiter_producer* producer, const arbiter_rl_training_metrics* event);
ARBITER_API arbiter_status arbiter_record_evaluation_outcome(arbiter_producer* producer, const arbiter_evaluation_outcome* event);
ARBITER_API arbiter_status arbiter_record_event(arbiter_producer* producer, const arbiter_event* event);

/* The same for any kind: `event` points to the struct of that kind. Some two nanoseconds more. */
ARBITER_API arbiter_status arbiter_record(arbiter_producer* producer, arbiter_kind kind, const void* event, arbiter_id* made_id);

/* One of the events of a batch. */
typedef struct arbiter_batch_item {
  size_t struct_size; /* of this struct: also the distance to the next one */
  arbiter_kind kind;
  arbiter_status status; /* out: what became of it */
  const void* event;     /* the struct of that kind */
  arbiter_id* made_id;   /* as for the record functions; may be null */
  const char* field;     /* out: of one that was not recorded, what arbiter_last_error_field says of a single call; else "". Since 1.1. */
  const char* rule;      /* out: the same of arbiter_last_error_rule. Since 1.1. */
} arbiter_batch_item;

/* Records `count` events that lie behind each other, in their order, each by itself: one that is refused or dropped holds up no other. Says
 * of each what became of it, and returns how many were recorded. For callers to whom a call is dear: it saves nothing else. */
ARBITER_API size_t arbiter_record_batch(arbiter_producer* producer, arbiter_batch_item* items, size_t count);

/* --- Runs: a task that was started, and will be completed */

/* Holds copies of the start's ids and its moment. It lies where the caller wants it, needs no end, and may be copied byte by byte, moved to
 * another thread, and completed there or in a child process; it may outlive its producer. What is in it is the library's. */
typedef struct arbiter_run {
  uint64_t reserved[192];
} arbiter_run;

/* Records a task start and fills in the run that records its completion. A run whose start was dropped, refused or disabled can be
 * completed all the same, if its ids are good; only after ARBITER_INVALID it cannot be. Same cost as a record, and a copy of the ids. */
ARBITER_API arbiter_status arbiter_start_task(arbiter_producer* producer, const arbiter_task_start* start, arbiter_run* run);

/* Views into the run: valid as long as it is. Empty where there is none. */
ARBITER_API arbiter_string arbiter_run_execution_id(const arbiter_run* run);
ARBITER_API arbiter_string arbiter_run_task_id(const arbiter_run* run);
ARBITER_API arbiter_string arbiter_run_agent_id(const arbiter_run* run);
ARBITER_API arbiter_string arbiter_run_decision_id(const arbiter_run* run);

typedef struct arbiter_completion {
  size_t struct_size;
  arbiter_outcome outcome; /* outcome.success is required */
  arbiter_time time;       /* these three: as in the events */
  arbiter_string trace_id;
  arbiter_string span_id;
} arbiter_completion;

/* Records the completion (a task execution), with the ids, the decision and the moment of the start. Once it is recorded, completing the
 * same run again answers ARBITER_INVALID; one that was refused or dropped may be tried again. Same cost as a record. */
ARBITER_API arbiter_status arbiter_run_complete(arbiter_run* run, const arbiter_completion* completion);

#ifdef __cplusplus
}
#endif
