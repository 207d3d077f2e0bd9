// Objects in pages of their own, straight from the kernel. A claim may happen in a signal handler that interrupted malloc, or in a child of
// a raw clone, where malloc's locks may be held by threads that are not there: nothing on its way may come from the heap.
#pragma once

#include <sys/mman.h>

#include <new>
#include <utility>

namespace arbiter::producer {

template <class T, class... Arguments>
T* make_in_pages(Arguments&&... arguments) noexcept {
  void* const at = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? nullptr : new (at) T(std::forward<Arguments>(arguments)...);
}

template <class T>
void remove_from_pages(T* object) noexcept {
  object->~T();
  munmap(object, sizeof(T));
}

}  // namespace arbiter::producer
