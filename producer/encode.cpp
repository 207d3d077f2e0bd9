#include "producer/encode.hpp"

#include <bit>

#include "shm/schema.hpp"

namespace arbiter::encode {

using schema::Type;

// A kind's numbers and strings have to fit into what packed.hpp has room for.
static_assert([] {
  for (const schema::Masks& m : schema::kMasks)
    if (std::popcount(m.fixed) > static_cast<int>(packed::kNumbersMax) || std::popcount(m.sized) > static_cast<int>(packed::kStringsMax))
      return false;
  return true;
}());

event::Fault check(const packed::Event& event, std::size_t bytes) noexcept {
  const auto kind = static_cast<Kind>(event.kind);
  const schema::Masks& masks = schema::masks(kind);
  const std::uint32_t missing = masks.required & ~event.present;
  if (missing != 0) return {true, abi::Refusal::missing, static_cast<std::uint8_t>(std::countr_zero(missing))};
  const std::uint64_t* number = event.number;
  const packed::Bytes* string = event.string;
  for (std::uint32_t left = event.present & (masks.fixed | masks.sized); left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    const schema::Field& f = schema::info(kind).fields[i];
    event::Fault bad;
    if (f.type == Type::list) {
      bad = items::check(event);
      ++string;
    } else if (f.string()) {
      bad = event::check_string(f, std::string_view(static_cast<const char*>(string->data), string->size));
      ++string;
    } else if (f.type == Type::real) {
      bad = event::check_real(f, std::bit_cast<double>(*number++));
    } else if (*number++ > schema::kCountMax && f.type == Type::count) {
      bad = {true, abi::Refusal::out_of_range, event::kNoField};
    }
    if (bad) {
      bad.field = static_cast<std::uint8_t>(i);
      return bad;
    }
  }
  if (bytes > abi::kEventBytesMax) return {true, abi::Refusal::event_too_large, event::kNoField};
  return {};
}

}  // namespace arbiter::encode
