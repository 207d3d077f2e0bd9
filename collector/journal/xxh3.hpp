// XXH3 over many bytes, with what vectors this processor has, not only those that any x86-64 has.
#pragma once

#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // the same names, and the same results
#else
#include <xxhash.h>
#endif
