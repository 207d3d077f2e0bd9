// Memory for tables that are larger than what the processor has addresses of at hand: in pages of 2 MiB where the kernel has them, so that
// a look into the table costs one miss and not two.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace arbiter {

template <class T>
struct LargePages {
  using value_type = T;
  LargePages() = default;
  template <class U>
  LargePages(const LargePages<U>&) {}

  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);
    if (!large(n)) return std::allocator<T>{}.allocate(n);
    void* const at = std::aligned_alloc(kPage, (bytes + kPage - 1) / kPage * kPage);
    if (at == nullptr) throw std::bad_alloc();
    madvise(at, bytes, MADV_HUGEPAGE);  // a wish
    return static_cast<T*>(at);
  }
  void deallocate(T* at, std::size_t n) {
    if (!large(n)) return std::allocator<T>{}.deallocate(at, n);
    std::free(at);
  }
  bool operator==(const LargePages&) const { return true; }

 private:
  static constexpr std::size_t kPage = 2 << 20;
  // What is smaller than two would waste too much of its last one, unless it fits.
  static bool large(std::size_t n) { return n * sizeof(T) >= 2 * kPage || n * sizeof(T) == kPage; }
};

}  // namespace arbiter
