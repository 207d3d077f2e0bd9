/* What the parts of the addon share. */
#pragma once

#define NAPI_VERSION 8
#include <arbiter/producer.h>
#include <node_api.h>

enum { ARENA_BYTES = 128 * 1024 }; /* twice what an event may hold */

/* Of one environment: the main thread, or a worker. */
typedef struct addon {
  char* arena; /* where the strings of a call lie; ARENA_BYTES */
  size_t used;
  struct block* blocks; /* what did not fit */
  /* Of the last call that was wrong already here: what arbiter_last_error says of one that the library found wrong. */
  char error[160];
  char error_field[64];
  const char* error_rule; /* null: the library knows */
} addon;

/* POSIX's errno as the rule of an exception: "connect: No such file or directory", code ENOENT and so on. */
void addon_throw(napi_env env, const char* code, const char* message);

/* request(socket, text, timeoutMs): sends the text to a Unix socket, and returns as a Buffer all that comes back until the other side
 * closes. Blocks; throws with the code of the errno, or ETIMEDOUT. */
napi_value addon_request(napi_env env, napi_callback_info info);

/* recorder(call, kind, structSize, [offset, type, path, ..]): a function that records from its arguments. */
napi_value addon_recorder(napi_env env, napi_callback_info info);
