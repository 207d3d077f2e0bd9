// Survives a mapped file that somebody truncated.
//
// Touching a page behind the end of a mapped file is SIGBUS, which ends the process. The guard's handler maps a page of zeros over the page
// touched, marks the range poisoned, and goes on: the reader finds zeros, which no event begins with, and asks poisoned(). Faults elsewhere
// go to the handler that was there before.
//
// A signal handler can reach nothing but what is global: the list of ranges is the one global of this room. Its nodes are never freed, only
// used again, so that the handler, on any thread at any time, walks memory that exists.
#pragma once

#include <cstddef>
#include <utility>

namespace arbiter {

// Installs the handler for the whole process, once; later calls do nothing. Before it, guarded ranges are listed but not yet safe.
void install_sigbus_guard();

class GuardedRange {
 public:
  GuardedRange() = default;
  // Guards [begin, begin + bytes), both multiples of the page. Throws std::bad_alloc at most.
  GuardedRange(void* begin, std::size_t bytes);
  GuardedRange(GuardedRange&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  GuardedRange& operator=(GuardedRange&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~GuardedRange();  // before the range is unmapped

  bool poisoned() const noexcept;  // a page of it has been replaced by zeros

  struct Node;

 private:
  Node* node_ = nullptr;
};

}  // namespace arbiter
