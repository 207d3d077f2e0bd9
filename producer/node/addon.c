/* The N-API addon under @arbiter/producer: the functions of arbiter/producer.h, for one environment (the main thread, or a worker). What is
 * friendly about the package is JavaScript, in lib/. */
#include "addon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void addon_throw(napi_env env, const char* code, const char* message) { napi_throw_error(env, code, message); }

/* --- between the two worlds */

static napi_value text(napi_env env, const char* data, size_t size) {
  napi_value made = NULL;
  napi_create_string_utf8(env, data == NULL ? "" : data, data == NULL ? 0 : size, &made);
  return made;
}

static napi_value number(napi_env env, double value) {
  napi_value made = NULL;
  napi_create_double(env, value, &made);
  return made;
}

static napi_value truth(napi_env env, int value) {
  napi_value made = NULL;
  napi_get_boolean(env, value != 0, &made);
  return made;
}

static addon* state_of(napi_env env) {
  void* state = NULL;
  napi_get_instance_data(env, &state);
  return state;
}

/* A string as malloc gives it; null if there is none. */
static char* owned(napi_env env, napi_value value) {
  size_t size = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok) return NULL;
  char* const made = malloc(size + 1);
  if (made != NULL) napi_get_value_string_utf8(env, value, made, size + 1, &size);
  return made;
}

static int64_t ns_of_ms(napi_env env, napi_value value) {
  double ms = 0;
  napi_get_value_double(env, value, &ms);
  if (!(ms > 0)) return 0;
  return ms >= 9e12 ? INT64_MAX : (int64_t)(ms * 1e6);
}

/* The arguments; the first of them is a producer, unless there is none: then null, and an exception. */
static arbiter_producer* producer_of(napi_env env, napi_callback_info info, size_t count, napi_value* arguments) {
  void* producer = NULL;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok ||
      napi_get_value_external(env, arguments[0], &producer) != napi_ok) {
    addon_throw(env, "ERR_INVALID_ARG_TYPE", "not a producer");
    return NULL;
  }
  return producer;
}

/* --- producers */

static void destroy(napi_env env, void* producer, void* hint) {
  (void)env, (void)hint;
  arbiter_producer_destroy(producer);
}

/* create(ringDir, instance, waitUpToMs). It ends with the last reference to it. */
static napi_value create(napi_env env, napi_callback_info info) {
  napi_value arguments[3], made = NULL;
  size_t count = 3;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  char *const ring_dir = owned(env, arguments[0]), *const instance = owned(env, arguments[1]);
  arbiter_producer_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.ring_dir = arbiter_str(ring_dir);
  options.instance = arbiter_str(instance);
  options.wait_up_to_ns = ns_of_ms(env, arguments[2]);
  arbiter_producer* const producer = arbiter_producer_create(&options);
  free(ring_dir);
  free(instance);
  if (producer == NULL)
    addon_throw(env, "ERR_ARBITER", arbiter_last_error());
  else if (napi_create_external(env, producer, destroy, NULL, &made) != napi_ok)
    arbiter_producer_destroy(producer);
  return made;
}

static napi_value attach_thread(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  arbiter_producer* const producer = producer_of(env, info, 1, arguments);
  return producer == NULL ? NULL : truth(env, arbiter_attach_thread(producer));
}

static napi_value detach_thread(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  arbiter_producer* const producer = producer_of(env, info, 1, arguments);
  if (producer != NULL) arbiter_detach_thread(producer);
  return NULL;
}

/* [attempted, recorded, laneFull, noLane, reentrant, refused] */
static napi_value account(napi_env env, napi_callback_info info) {
  napi_value arguments[1], list = NULL;
  arbiter_producer* const producer = producer_of(env, info, 1, arguments);
  arbiter_account a;
  if (producer == NULL) return NULL;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  arbiter_producer_account(producer, &a);
  const uint64_t counts[] = {a.attempted, a.recorded, a.lane_full, a.no_lane, a.reentrant, a.refused};
  napi_create_array_with_length(env, 6, &list);
  for (uint32_t i = 0; i < 6; ++i) napi_set_element(env, list, i, number(env, (double)counts[i]));
  return list;
}

static napi_value problem(napi_env env, napi_callback_info info) {
  napi_value arguments[1];
  char buffer[1024];
  arbiter_producer* const producer = producer_of(env, info, 1, arguments);
  if (producer == NULL) return NULL;
  arbiter_producer_problem(producer, buffer, sizeof buffer);
  return text(env, buffer, strlen(buffer));
}

/* [message, field, rule] of this thread's last call that did not go well. */
static napi_value last_error(napi_env env, napi_callback_info info) {
  (void)info;
  const addon* const a = state_of(env);
  const char* const library[] = {arbiter_last_error(), arbiter_last_error_field(), arbiter_last_error_rule()};
  const char* const own[] = {a->error, a->error_field, a->error_rule};
  const char* const* const said = a->error_rule == NULL ? library : own;
  napi_value list = NULL;
  napi_create_array_with_length(env, 3, &list);
  for (uint32_t i = 0; i < 3; ++i) napi_set_element(env, list, i, text(env, said[i], strlen(said[i])));
  return list;
}

/* --- flush: here, or off this thread */

static napi_value flush_now(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  arbiter_producer* const producer = producer_of(env, info, 2, arguments);
  return producer == NULL ? NULL : truth(env, arbiter_flush(producer, ns_of_ms(env, arguments[1])));
}

typedef struct flushing {
  napi_async_work work;
  napi_deferred deferred;
  napi_ref producer_ref;
  arbiter_producer* producer;
  int64_t timeout_ns;
  int flushed;
} flushing;

static void flush_work(napi_env env, void* data) {
  (void)env;
  flushing* const f = data;
  f->flushed = arbiter_flush(f->producer, f->timeout_ns);
}

static void flush_done(napi_env env, napi_status status, void* data) {
  flushing* const f = data;
  napi_resolve_deferred(env, f->deferred, truth(env, status == napi_ok && f->flushed));
  napi_delete_reference(env, f->producer_ref);
  napi_delete_async_work(env, f->work);
  free(f);
}

static napi_value flush(napi_env env, napi_callback_info info) {
  napi_value arguments[2], promise = NULL;
  arbiter_producer* const producer = producer_of(env, info, 2, arguments);
  flushing* const f = producer == NULL ? NULL : calloc(1, sizeof *f);
  if (f == NULL) return NULL;
  f->producer = producer;
  f->timeout_ns = ns_of_ms(env, arguments[1]);
  napi_create_promise(env, &f->deferred, &promise);
  napi_create_reference(env, arguments[0], 1, &f->producer_ref);
  napi_create_async_work(env, NULL, text(env, "arbiter.flush", 13), flush_work, flush_done, f, &f->work);
  napi_queue_async_work(env, f->work);
  return promise;
}

/* --- runs: the bytes of an arbiter_run, in a Uint8Array */

static napi_value run_ids(napi_env env, napi_callback_info info) {
  napi_value run, list = NULL;
  size_t count = 1;
  void* data = NULL;
  napi_get_cb_info(env, info, &count, &run, NULL, NULL);
  if (napi_get_typedarray_info(env, run, NULL, NULL, &data, NULL, NULL) != napi_ok) return NULL;
  const arbiter_string ids[] = {arbiter_run_execution_id(data), arbiter_run_task_id(data), arbiter_run_agent_id(data),
                                arbiter_run_decision_id(data)};
  napi_create_array_with_length(env, 4, &list);
  for (uint32_t i = 0; i < 4; ++i) napi_set_element(env, list, i, text(env, ids[i].data, ids[i].size));
  return list;
}

/* nowNs(): nanoseconds since 1970 by the clock that the library stamps events with, as a bigint. Date.now() has no fractions, and
 * performance.timeOrigin is off by what held the process up while it was taken, and by every step of the clock since. */
static napi_value now_ns(napi_env env, napi_callback_info info) {
  (void)info;
  struct timespec now;
  napi_value made = NULL;
  clock_gettime(CLOCK_REALTIME, &now);
  napi_create_bigint_int64(env, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, &made);
  return made;
}

/* holdMemory(bytes): what an object of this environment keeps alive outside of it; negative when that is over. */
static napi_value hold_memory(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1;
  double bytes = 0;
  int64_t now = 0;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_double(env, argument, &bytes);
  napi_adjust_external_memory(env, (int64_t)bytes, &now);
  return NULL;
}

/* --- the module */

static void free_state(napi_env env, void* data, void* hint) {
  (void)env, (void)hint;
  free(((addon*)data)->arena);
  free(data);
}

static const size_t kSizes[] = {sizeof(arbiter_completion),
                                sizeof(arbiter_agent_registration),
                                sizeof(arbiter_agent_status_change),
                                sizeof(arbiter_routing_decision),
                                sizeof(arbiter_task_start),
                                sizeof(arbiter_task_execution),
                                sizeof(arbiter_constitutional_validation),
                                sizeof(arbiter_thinking_budget_allocation),
                                sizeof(arbiter_thinking_budget_usage),
                                sizeof(arbiter_minimality_evaluation),
                                sizeof(arbiter_model_judgment),
                                sizeof(arbiter_rl_training_metrics),
                                sizeof(arbiter_evaluation_outcome),
                                sizeof(arbiter_event)};

NAPI_MODULE_INIT() {
  static const struct {
    const char* name;
    napi_callback function;
  } kFunctions[] = {{"create", create},   {"attachThread", attach_thread}, {"detachThread", detach_thread}, {"account", account},
                    {"problem", problem}, {"lastError", last_error},       {"flushNow", flush_now},         {"flush", flush},
                    {"runIds", run_ids},  {"recorder", addon_recorder},    {"request", addon_request},      {"holdMemory", hold_memory},
                    {"nowNs", now_ns}};
  addon* const state = calloc(1, sizeof *state);
  if (state == NULL || (state->arena = malloc(ARENA_BYTES)) == NULL) {
    free(state);
    addon_throw(env, "ERR_MEMORY_ALLOCATION_FAILED", "no memory for the addon");
    return NULL;
  }
  napi_set_instance_data(env, state, free_state, NULL);
  for (size_t i = 0; i < sizeof kFunctions / sizeof *kFunctions; ++i) {
    napi_value function;
    napi_create_function(env, kFunctions[i].name, NAPI_AUTO_LENGTH, kFunctions[i].function, NULL, &function);
    napi_set_named_property(env, exports, kFunctions[i].name, function);
  }
  napi_value sizes;
  napi_create_array(env, &sizes);
  for (uint32_t i = 0; i < sizeof kSizes / sizeof *kSizes; ++i) napi_set_element(env, sizes, i, number(env, (double)kSizes[i]));
  napi_set_named_property(env, exports, "sizes", sizes);
  napi_set_named_property(env, exports, "runBytes", number(env, sizeof(arbiter_run)));
  napi_set_named_property(env, exports, "abiVersion", number(env, arbiter_abi_version()));
  napi_set_named_property(env, exports, "version", text(env, arbiter_version(), strlen(arbiter_version())));
  return exports;
}
