// Memory that a test lets run out: of the allocations that a thread makes, the n-th fails. Takes the place of operator new in the whole
// program: include it in one file of it. Not with a sanitizer, whose run time has its own.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace arbiter::test {

// While one is there, the `nth` allocation from now on of the thread that made it fails.
class MemoryRefused {
 public:
  explicit MemoryRefused(int nth) { left_ = nth; }
  ~MemoryRefused() { left_ = 0; }
  MemoryRefused(const MemoryRefused&) = delete;
  MemoryRefused& operator=(const MemoryRefused&) = delete;
  bool met() const { return left_ == 0; }

  static bool next() { return left_ != 0 && --left_ == 0; }

 private:
  static inline thread_local int left_ = 0;
};

// Makes the call again and again: the first time its first allocation fails, then its second, until it asks for no more. `check` follows
// each. Gives how many failed.
template <class Make, class Check>
int refuse_each_allocation(Make make, Check check) {
  for (int nth = 1;; ++nth) {
    bool met = false;
    {
      const MemoryRefused refused(nth);
      try {
        make();
      } catch (const std::bad_alloc&) {
      }
      met = refused.met();
    }
    check();
    if (!met) return nth - 1;
  }
}

}  // namespace arbiter::test

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  if (arbiter::test::MemoryRefused::next()) throw std::bad_alloc();
  if (void* const at = std::malloc(bytes)) return at;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }
