// One struct of C, checked for its size and packed.
#pragma once

#include "arbiter/producer.h"
#include "arbiter/producer.hpp"
#include "producer/c_error.hpp"
#include "producer/c_fields.hpp"
#include "producer/call.hpp"

// The handle.
struct arbiter_producer {
  arbiter::Producer producer;
};

namespace arbiter::c {

// A struct that was given, as the library knows it: itself where it has the size, else in `copy`. Null: it cannot be, which is remembered.
template <class C>
[[gnu::cold, gnu::noinline]] const C* resize(const C* given, C& copy) noexcept {
  if (given == nullptr) return wrong(kNull), nullptr;
  const std::size_t size = given->struct_size;
  if (!plausible_size(size)) return wrong(kBadSize), nullptr;
  if (size > sizeof(C) && !rest_is_zeros(given, size, sizeof(C))) return wrong(kUnknownFields), nullptr;
  copy = resized<C>(given, size);
  return &copy;
}
template <class C>
[[gnu::always_inline]] inline const C* sized(const C* given, C& copy) noexcept {
  if (given != nullptr && given->struct_size == sizeof(C)) [[likely]]
    return given;
  return resize(given, copy);
}

}  // namespace arbiter::c
