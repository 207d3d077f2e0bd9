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

// What is wrong with a struct of this size, of which the library knows `known` bytes; null: nothing.
[[gnu::cold]] const Misuse* misfit(const void* given, std::size_t size, std::size_t known) noexcept;

// A struct that was given, as the library knows it: itself where it has the size, else a copy that has.
template <class C>
class Sized {
 public:
  [[gnu::always_inline]] explicit Sized(const C* given) noexcept : whole_(given) {
    if (given == nullptr || given->struct_size != sizeof(C)) [[unlikely]]
      fit();
  }
  Sized(const Sized&) = delete;
  Sized& operator=(const Sized&) = delete;

  const Misuse* wrong() const noexcept { return wrong_; }
  const C& operator*() const noexcept { return *whole_; }  // if not wrong()

 private:
  [[gnu::cold, gnu::noinline]] void fit() noexcept {
    wrong_ = whole_ == nullptr ? &kNull : misfit(whole_, whole_->struct_size, sizeof(C));
    if (wrong_ != nullptr) return;
    copy_ = resized<C>(whole_, whole_->struct_size);
    whole_ = &copy_;
  }

  const C* whole_;
  const Misuse* wrong_ = nullptr;
  C copy_;  // unless `whole_` is what was given
};

// Records one event, whatever its kind. `made_id`: null, or where an id goes that the library made; for kinds without an id, cleared.
template <class Struct, class C>
[[gnu::always_inline]] inline arbiter_status record(arbiter_producer* handle, const C* given) noexcept {
  const Sized<C> event(given);
  if (handle == nullptr) [[unlikely]]
    return wrong(kNullProducer);
  if (event.wrong() != nullptr) [[unlikely]]
    return wrong(*event.wrong());
  packed::Packer to(fields::kKind<Struct>);
  FromC from(to);
  fields::each(from, *event);
  if (from.bad_list()) [[unlikely]]
    return wrong(kBadList);
  producer::Outlet& outlet = producer::Internal::outlet(handle->producer);
  return answer(producer::record(outlet, producer::Internal::wait_up_to(handle->producer), to.event()));
}

}  // namespace arbiter::c
