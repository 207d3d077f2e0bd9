// The record functions of the C interface: one for each kind, one for any, and one for many.
#include "producer/c_record.hpp"

#include <cstring>

namespace arbiter::c {

const Misuse* misfit(const void* given, std::size_t size, std::size_t known) noexcept {
  if (!plausible_size(size)) return &kBadSize;
  return size > known && !rest_is_zeros(given, size, known) ? &kUnknownFields : nullptr;
}

namespace {

// As record(), for kinds with an id of their own.
template <class Struct, class C>
[[gnu::always_inline]] inline arbiter_status record_with_id(arbiter_producer* handle, const C* given, arbiter_id* made_id) noexcept {
  const Sized<C> event(given);
  if (made_id != nullptr) made_id->size = 0, made_id->text[0] = '\0';
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
  const RecordResultWithId result = producer::record_with_id(outlet, producer::Internal::wait_up_to(handle->producer), to.event());
  if (made_id != nullptr) {
    const std::string_view id = result.made_id();
    made_id->size = static_cast<std::uint32_t>(id.size());
    std::memcpy(made_id->text, id.data(), id.size());
    made_id->text[id.size()] = '\0';
  }
  return answer(result);
}

}  // namespace
}  // namespace arbiter::c

using namespace arbiter;

extern "C" {

#define ARBITER_RECORD(Struct, name)                                                              \
  arbiter_status arbiter_record_##name(arbiter_producer* producer, const arbiter_##name* event) { \
    return c::record<Struct>(producer, event);                                                    \
  }
ARBITER_KINDS_WITHOUT_ID(ARBITER_RECORD)
#undef ARBITER_RECORD

#define ARBITER_RECORD(Struct, name)                                                                                   \
  arbiter_status arbiter_record_##name(arbiter_producer* producer, const arbiter_##name* event, arbiter_id* made_id) { \
    return c::record_with_id<Struct>(producer, event, made_id);                                                        \
  }
ARBITER_KINDS_WITH_ID(ARBITER_RECORD)
#undef ARBITER_RECORD

arbiter_status arbiter_record(arbiter_producer* producer, arbiter_kind kind, const void* event, arbiter_id* made_id) {
  if (made_id != nullptr) made_id->size = 0, made_id->text[0] = '\0';
  switch (static_cast<std::uint32_t>(kind)) {
#define ARBITER_CASE(Struct, name) \
  case fields::kKind<Struct>: return arbiter_record_##name(producer, static_cast<const arbiter_##name*>(event));
    ARBITER_KINDS_WITHOUT_ID(ARBITER_CASE)
#undef ARBITER_CASE
#define ARBITER_CASE(Struct, name) \
  case fields::kKind<Struct>: return arbiter_record_##name(producer, static_cast<const arbiter_##name*>(event), made_id);
    ARBITER_KINDS_WITH_ID(ARBITER_CASE)
#undef ARBITER_CASE
    default: return c::wrong(c::kUnknownKind);
  }
}

size_t arbiter_record_batch(arbiter_producer* producer, arbiter_batch_item* items, size_t count) {
  size_t recorded = 0;
  if (items == nullptr || count == 0) return 0;
  const size_t step = items->struct_size;
  if (step < offsetof(arbiter_batch_item, made_id) || step > c::kStructBytesMax) {
    c::wrong(c::kBadSize);
    return 0;
  }
  for (auto* at = reinterpret_cast<std::byte*>(items); count != 0; --count, at += step) {
    auto* const item = reinterpret_cast<arbiter_batch_item*>(at);
    arbiter_id* const made_id = step < sizeof *item ? nullptr : item->made_id;
    const bool fits = item->struct_size == step && (step <= sizeof *item || c::rest_is_zeros(item, step, sizeof *item));
    item->status = fits ? arbiter_record(producer, item->kind, item->event, made_id) : c::wrong(c::kBadSize);
    recorded += item->status == ARBITER_RECORDED;
  }
  return recorded;
}

}  // extern "C"
