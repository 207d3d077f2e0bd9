/* What a field of an event holds, in C: a value, or nothing. All zeros is "not given", so a struct that is cleared has nothing in it.
 *
 * C99, and C++. Nothing here is called through the library: the makers below are inline, and a binding writes the members itself. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A view of bytes, which the call copies: they need to live no longer than the call. UTF-8; may hold NULs. Not given: `data` is null (and
 * for ids, words and JSON also: no bytes). */
typedef struct arbiter_string {
  const char* data;
  size_t size; /* bytes; ARBITER_NUL_TERMINATED: up to the NUL that ends it */
} arbiter_string;

/* A size that says: look for the NUL. (So does every size that no object can have, those over PTRDIFF_MAX.) For static initialisers:
 * { "agent-7", ARBITER_NUL_TERMINATED }. */
#define ARBITER_NUL_TERMINATED SIZE_MAX

/* A finite number. */
typedef struct arbiter_number {
  double value;
  uint8_t given; /* 0: not given; anything else: given. The same in the next three. */
} arbiter_number;

/* A whole number of things, 0 or more: a negative one is refused. */
typedef struct arbiter_count {
  int64_t value;
  uint8_t given;
} arbiter_count;

/* A moment: nanoseconds since 1970-01-01T00:00:00Z. */
typedef struct arbiter_time {
  int64_t unix_ns;
  uint8_t given;
} arbiter_time;

/* Yes (anything but 0) or no (0). */
typedef struct arbiter_flag {
  uint8_t value;
  uint8_t given;
} arbiter_flag;

/* --- Makers: .task_id = arbiter_str("task-1"), .confidence = arbiter_num(0.85), .success = arbiter_bool(1) */

/* Of a string that a NUL ends; null is "not given". The length of a literal is known when the program is compiled. */
static inline arbiter_string arbiter_str(const char* text) {
  arbiter_string made;
  made.data = text;
  made.size = text == NULL ? 0 : strlen(text);
  return made;
}

static inline arbiter_string arbiter_strn(const char* data, size_t size) {
  arbiter_string made;
  made.data = data;
  made.size = size;
  return made;
}

static inline arbiter_number arbiter_num(double value) {
  arbiter_number made;
  made.value = value;
  made.given = 1;
  return made;
}

static inline arbiter_count arbiter_int(int64_t value) {
  arbiter_count made;
  made.value = value;
  made.given = 1;
  return made;
}

static inline arbiter_time arbiter_at(int64_t unix_ns) {
  arbiter_time made;
  made.unix_ns = unix_ns;
  made.given = 1;
  return made;
}

static inline arbiter_flag arbiter_bool(int truth) {
  arbiter_flag made;
  made.value = truth != 0;
  made.given = 1;
  return made;
}

#ifdef __cplusplus
}
#endif
