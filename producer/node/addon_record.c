/* Recording: functions whose arguments are the fields of an event, in an order that kinds.js gives. Nothing but what a call must do: each
 * value is read once, strings go into memory that is kept, and the struct lies on the stack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"

enum { FIELDS_MAX = 40, STRUCT_BYTES_MAX = 512 };
#define ITEMS_MAX 65536u /* of a list: the library refuses as many, and less that do not fit into an event */

/* Numbers of kinds.js. */
enum { STRING, NUMBER, COUNT, TIME, FLAG, STRINGS, ALTERNATIVES, VIOLATIONS, SCORES };
enum { RECORD, RECORD_WITH_ID, START, COMPLETE };

typedef struct block {
  struct block* next;
} block;

typedef struct field {
  uint16_t offset;
  uint8_t type;
  char path[45];
} field;

typedef struct recorder {
  addon* state;
  uint32_t call, kind, struct_size, count;
  field fields[FIELDS_MAX];
} recorder;

/* --- memory of a call */

static void* room(addon* a, size_t bytes) {
  const size_t at = (a->used + 7) & ~(size_t)7;
  if (at + bytes <= ARENA_BYTES) {
    a->used = at + bytes;
    return a->arena + at;
  }
  block* const made = malloc(sizeof *made + bytes);
  if (made == NULL) return NULL;
  made->next = a->blocks;
  a->blocks = made;
  return made + 1;
}

static void give_back(addon* a) {
  a->used = 0;
  while (a->blocks != NULL) {
    block* const next = a->blocks->next;
    free(a->blocks);
    a->blocks = next;
  }
}

/* --- values. Each returns null, or what is wrong with the value. */

static const char* const kNoMemory = "finds no memory";

static const char* wrong_type(napi_env env, napi_value value, const char* rule) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok) return rule;
  return type == napi_undefined || type == napi_null ? NULL : rule;
}

/* A string that may have been cut off is read again, into room of its own. */
static const char* read_string(napi_env env, addon* a, napi_value value, arbiter_string* to) {
  const size_t left = ARENA_BYTES - a->used;
  size_t size = 0;
  if (left > 4) {
    if (napi_get_value_string_utf8(env, value, a->arena + a->used, left, &size) != napi_ok)
      return wrong_type(env, value, "is not a string");
    if (size < left - 4) {
      to->data = a->arena + a->used;
      to->size = size;
      a->used += size;
      return NULL;
    }
  }
  if (napi_get_value_string_utf8(env, value, NULL, 0, &size) != napi_ok) return wrong_type(env, value, "is not a string");
  block* const made = malloc(sizeof *made + size + 1);
  if (made == NULL) return kNoMemory;
  made->next = a->blocks;
  a->blocks = made;
  napi_get_value_string_utf8(env, value, (char*)(made + 1), size + 1, &to->size);
  to->data = (const char*)(made + 1);
  return NULL;
}

static const char* read_number(napi_env env, napi_value value, arbiter_number* to) {
  if (napi_get_value_double(env, value, &to->value) != napi_ok) return wrong_type(env, value, "is not a number");
  to->given = 1;
  return NULL;
}

static const char* read_whole(napi_env env, napi_value value, int64_t* to, uint8_t* given, const char* rule) {
  bool whole = false;
  if (napi_get_value_bigint_int64(env, value, to, &whole) != napi_ok) return wrong_type(env, value, rule);
  if (!whole) return "is out of its range";
  *given = 1;
  return NULL;
}

static const char* read_count(napi_env env, napi_value value, arbiter_count* to) {
  static const char* const rule = "is not a whole number";
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) return read_whole(env, value, &to->value, &to->given, rule);
  if (!(number >= -9007199254740992.0 && number <= 9007199254740992.0) || (double)(int64_t)number != number) return rule;
  to->value = (int64_t)number;
  to->given = 1;
  return NULL;
}

/* A number is milliseconds since 1970, as of Date.now(); a bigint nanoseconds. */
static const char* read_time(napi_env env, napi_value value, arbiter_time* to) {
  double ms;
  if (napi_get_value_double(env, value, &ms) != napi_ok) return read_whole(env, value, &to->unix_ns, &to->given, "is not a time");
  if (!(ms >= -9.2e12 && ms <= 9.2e12)) return "is not a time";
  const int64_t whole_ms = (int64_t)ms;
  to->unix_ns = whole_ms * 1000000 + (int64_t)((ms - (double)whole_ms) * 1e6);
  to->given = 1;
  return NULL;
}

static const char* read_flag(napi_env env, napi_value value, arbiter_flag* to) {
  bool truth;
  if (napi_get_value_bool(env, value, &truth) != napi_ok) return wrong_type(env, value, "is not true or false");
  to->value = truth;
  to->given = 1;
  return NULL;
}

/* --- lists: flat arrays, as many elements an item as it has members */

static const char* read_item(napi_env env, addon* a, uint32_t type, const napi_value* v, char* item) {
  const char* rule = NULL;
  if (type == STRINGS) return read_string(env, a, v[0], (arbiter_string*)item);
  if (type == ALTERNATIVES) {
    arbiter_alternative* const to = (arbiter_alternative*)item;
    if ((rule = read_string(env, a, v[0], &to->agent_id)) != NULL) return rule;
    if ((rule = read_number(env, v[1], &to->score)) != NULL) return rule;
    if ((rule = read_number(env, v[2], &to->probability)) != NULL) return rule;
    return read_string(env, a, v[3], &to->reason);
  }
  if (type == VIOLATIONS) {
    arbiter_violation* const to = (arbiter_violation*)item;
    if ((rule = read_string(env, a, v[0], &to->severity)) != NULL) return rule;
    if ((rule = read_string(env, a, v[1], &to->message)) != NULL) return rule;
    return read_string(env, a, v[2], &to->rule);
  }
  arbiter_score* const to = (arbiter_score*)item;
  if ((rule = read_string(env, a, v[0], &to->name)) != NULL) return rule;
  return napi_get_value_double(env, v[1], &to->value) == napi_ok ? NULL : "is not a number";
}

static const char* read_list(napi_env env, addon* a, uint32_t type, napi_value value, arbiter_strings* to) {
  static const struct {
    uint32_t width, bytes;
  } kItems[] = {{1, sizeof(arbiter_string)}, {4, sizeof(arbiter_alternative)}, {3, sizeof(arbiter_violation)}, {2, sizeof(arbiter_score)}};
  const uint32_t width = kItems[type - STRINGS].width, bytes = kItems[type - STRINGS].bytes;
  uint32_t length;
  if (napi_get_array_length(env, value, &length) != napi_ok) return wrong_type(env, value, "is not a list");
  const uint32_t count = length / width;
  if (count > ITEMS_MAX) return "has too many items";
  char* const items = room(a, count == 0 ? 1 : (size_t)count * bytes);
  if (items == NULL) return kNoMemory;
  memset(items, 0, (size_t)count * bytes);
  for (uint32_t i = 0; i < count; ++i) {
    napi_handle_scope scope;
    napi_value members[4];
    if (napi_open_handle_scope(env, &scope) != napi_ok) return kNoMemory;
    for (uint32_t k = 0; k < width; ++k) napi_get_element(env, value, i * width + k, &members[k]);
    const char* const rule = read_item(env, a, type, members, items + (size_t)i * bytes);
    napi_close_handle_scope(env, scope);
    if (rule != NULL) return rule;
  }
  to->items = (const arbiter_string*)items;
  to->count = count;
  to->item_size = bytes;
  return NULL;
}

/* --- the call */

static const char* read_field(napi_env env, addon* a, uint32_t type, napi_value value, char* to) {
  switch (type) {
    case STRING: return read_string(env, a, value, (arbiter_string*)to);
    case NUMBER: return read_number(env, value, (arbiter_number*)to);
    case COUNT: return read_count(env, value, (arbiter_count*)to);
    case TIME: return read_time(env, value, (arbiter_time*)to);
    case FLAG: return read_flag(env, value, (arbiter_flag*)to);
    default: return read_list(env, a, type, value, (arbiter_strings*)to);
  }
}

static arbiter_status wrong(addon* a, const char* path, const char* rule) {
  snprintf(a->error, sizeof a->error, "%s: %s", path, rule);
  snprintf(a->error_field, sizeof a->error_field, "%s", path);
  a->error_rule = rule;
  return ARBITER_INVALID;
}

static arbiter_status record(napi_env env, const recorder* r, napi_value handle, const napi_value* values, size_t count,
                             arbiter_id* made_id) {
  addon* const a = r->state;
  union {
    size_t struct_size;
    char bytes[STRUCT_BYTES_MAX];
  } event;
  void* target = NULL;
  arbiter_run* run = NULL;
  memset(&event, 0, r->struct_size);
  event.struct_size = r->struct_size;
  if (r->call == COMPLETE) {
    if (napi_get_typedarray_info(env, handle, NULL, NULL, &target, NULL, NULL) != napi_ok) return wrong(a, "run", "is none");
  } else if (napi_get_value_external(env, handle, &target) != napi_ok) {
    return wrong(a, "producer", "is none");
  }
  size_t i = 0;
  if (r->call == START) {
    if (count == 0 || napi_get_typedarray_info(env, values[0], NULL, NULL, (void**)&run, NULL, NULL) != napi_ok)
      return wrong(a, "run", "is none");
    ++values, --count;
  }
  for (; i < count && i < r->count; ++i) {
    const field* const f = &r->fields[i];
    const char* const rule = read_field(env, a, f->type, values[i], event.bytes + f->offset);
    if (rule != NULL) return wrong(a, f->path, rule);
  }
  a->error_rule = NULL;
  switch (r->call) {
    case START: return arbiter_start_task(target, (const arbiter_task_start*)&event, run);
    case COMPLETE: return arbiter_run_complete(target, (const arbiter_completion*)&event);
    default: return arbiter_record(target, (arbiter_kind)r->kind, &event, made_id);
  }
}

/* The function that a recorder is: (handle, fields..) -> status; of kinds with an id the id that was made, if one was. */
static napi_value call(napi_env env, napi_callback_info info) {
  napi_value values[FIELDS_MAX + 2], answer = NULL;
  size_t count = FIELDS_MAX + 2;
  void* data = NULL;
  if (napi_get_cb_info(env, info, &count, values, NULL, &data) != napi_ok || count == 0) return NULL;
  const recorder* const r = data;
  arbiter_id id;
  id.size = 0;
  const arbiter_status status = record(env, r, values[0], values + 1, count - 1, r->call == RECORD_WITH_ID ? &id : NULL);
  if (r->state->used != 0 || r->state->blocks != NULL) give_back(r->state);
  if (id.size != 0)
    napi_create_string_latin1(env, id.text, id.size, &answer);
  else
    napi_create_int32(env, (int32_t)status, &answer);
  return answer;
}

static void free_recorder(napi_env env, void* data, void* hint) {
  (void)env, (void)hint;
  free(data);
}

static uint32_t element_number(napi_env env, napi_value list, uint32_t at) {
  napi_value value;
  uint32_t number = 0;
  if (napi_get_element(env, list, at, &value) == napi_ok) napi_get_value_uint32(env, value, &number);
  return number;
}

napi_value addon_recorder(napi_env env, napi_callback_info info) {
  napi_value arguments[4], function = NULL, path;
  size_t count = 4;
  uint32_t length = 0, bytes = 0;
  void* state = NULL;
  recorder* const r = calloc(1, sizeof *r);
  if (r == NULL || napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != 4 ||
      napi_get_instance_data(env, &state) != napi_ok || napi_get_value_uint32(env, arguments[0], &r->call) != napi_ok ||
      napi_get_value_uint32(env, arguments[1], &r->kind) != napi_ok ||
      napi_get_value_uint32(env, arguments[2], &r->struct_size) != napi_ok ||
      napi_get_array_length(env, arguments[3], &length) != napi_ok || length % 3 != 0 || length / 3 > FIELDS_MAX ||
      r->struct_size < sizeof(size_t) || r->struct_size > STRUCT_BYTES_MAX) {
    free(r);
    addon_throw(env, "ERR_INVALID_ARG_VALUE", "recorder: wrong arguments");
    return NULL;
  }
  r->state = state;
  r->count = length / 3;
  for (uint32_t i = 0; i < r->count; ++i) {
    field* const f = &r->fields[i];
    f->offset = (uint16_t)element_number(env, arguments[3], 3 * i);
    f->type = (uint8_t)element_number(env, arguments[3], 3 * i + 1);
    size_t size = 0;
    napi_get_element(env, arguments[3], 3 * i + 2, &path);
    napi_get_value_string_utf8(env, path, f->path, sizeof f->path, &size);
    bytes = f->type == FLAG ? 2 : 16;
    if (f->type > SCORES || f->offset + bytes > r->struct_size) {
      free(r);
      addon_throw(env, "ERR_INVALID_ARG_VALUE", "recorder: a field lies outside of its struct");
      return NULL;
    }
  }
  napi_create_function(env, "record", NAPI_AUTO_LENGTH, call, r, &function);
  napi_add_finalizer(env, function, r, free_recorder, NULL, NULL);
  return function;
}
