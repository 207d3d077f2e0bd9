// The collector's threads by name, as `top -H` shows them, and by what gives way to what.
#pragma once

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace arbiter {

enum class Urgency {
  now,       // agents or an operator wait for it
  soon,      // figures come from it: gives way to those, and does not starve where every processor is taken
  whenever,  // gives way to all of these
};

// To be called first by every thread of the collector.
inline void begin_thread(const char* name, Urgency urgency) {
  constexpr int nice_soon = 5, nice_whenever = 10;
  pthread_setname_np(pthread_self(), name);
  if (urgency == Urgency::now) return;
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), urgency == Urgency::soon ? nice_soon : nice_whenever);
}

}  // namespace arbiter
