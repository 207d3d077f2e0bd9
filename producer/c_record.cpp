// The record functions of the C interface: one for each kind, one for any, and one for many.
#include "producer/c_record.hpp"

#include <cstring>

namespace arbiter::c {

namespace {

// One event of a kind without an id of its own.
template <class Struct, class C>
[[gnu::always_inline]] inline arbiter_status record(arbiter_producer* handle, const C* given) noexcept {
  C copy;
  const C* const event = sized(given, copy);
  if (event == nullptr) [[unlikely]]
    return ARBITER_INVALID;
  if (handle == nullptr) [[unlikely]]
    return wrong(kNullProducer);
  Room room;
  Packer to(fields::kKind<Struct>, room);
  fields::each(to, *event);
  if (to.bad_list()) [[unlikely]]
    return wrong(kBadList);
  const Producer& producer = handle->producer;
  return answer(producer::record(producer::Internal::outlet(producer), producer::Internal::wait_up_to(producer), to.event()));
}

// The same for kinds with an id.
template <class Struct, class C>
[[gnu::always_inline]] inline arbiter_status record_with_id(arbiter_producer* handle, const C* given, arbiter_id* made_id) noexcept {
  if (made_id != nullptr) made_id->size = 0, made_id->text[0] = '\0';
  C copy;
  const C* const event = sized(given, copy);
  if (event == nullptr) [[unlikely]]
    return ARBITER_INVALID;
  if (handle == nullptr) [[unlikely]]
    return wrong(kNullProducer);
  Room room;
  Packer to(fields::kKind<Struct>, room);
  fields::each(to, *event);
  if (to.bad_list()) [[unlikely]]
    return wrong(kBadList);
  const Producer& producer = handle->producer;
  const RecordResultWithId result =
      producer::record_with_id(producer::Internal::outlet(producer), producer::Internal::wait_up_to(producer), to.event());
  if (made_id != nullptr) {
    const std::string_view id = result.made_id();
    made_id->size = static_cast<std::uint32_t>(id.size());
    std::memcpy(made_id->text, id.data(), id.size());
    made_id->text[id.size()] = '\0';
  }
  return answer(result);
}

// Does a batch item of that size have the pointer at that offset?
constexpr bool covers(std::size_t size, std::size_t offset) noexcept { return size >= offset + sizeof(void*); }

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
    arbiter_id* const made_id = c::covers(step, offsetof(arbiter_batch_item, made_id)) ? item->made_id : nullptr;
    const bool fits = item->struct_size == step && (step <= sizeof *item || c::rest_is_zeros(item, step, sizeof *item));
    item->status = fits ? arbiter_record(producer, item->kind, item->event, made_id) : c::wrong(c::kBadSize);
    const bool good = item->status == ARBITER_RECORDED;
    recorded += good;
    if (c::covers(step, offsetof(arbiter_batch_item, field))) item->field = good ? "" : arbiter_last_error_field();
    if (c::covers(step, offsetof(arbiter_batch_item, rule))) item->rule = good ? "" : arbiter_last_error_rule();
  }
  return recorded;
}

}  // extern "C"
