// From a packed event to the bytes of event.hpp, in one pass and straight into the lane: no buffer in between, no allocation, no exception.
//
//   measure(event)   how many bytes it takes: additions only, no look into a string
//   write(event, …)  the bytes, and whether every value is *plainly* fine (nobody doubts it, and all strings are ASCII)
//   check(event, …)  the exact rules of event::validate, value by value; called when write() was in doubt
//
// event::encode and event::validate say what they have to come to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "arbiter/packed.hpp"
#include "producer/items.hpp"
#include "shm/abi.hpp"
#include "shm/ascii_copy.hpp"
#include "shm/event.hpp"

namespace arbiter::encode {

struct Stamp {
  std::uint64_t ticks;
  std::uint64_t sequence;
};

// Bytes of the whole event, as far as it could be stored: more than kEventBytesMax when a part of it is.
[[gnu::always_inline]] inline std::size_t measure(const packed::Event& event) noexcept {
  std::size_t bytes = sizeof(abi::EventHead) + 8u * event.numbers + 2u * event.strings + event.string_bytes;
  if (event.items != packed::Items::none) [[unlikely]]
    bytes += items::bytes(event);
  return bytes;
}

// The strings, with their lengths at `length_at`. True: all of them are ASCII, and no item of the list, if there may be one, breaks a rule.
template <bool has_list>
[[gnu::always_inline]] inline bool write_strings(const packed::Event& event, std::byte* length_at) noexcept {
  char* at = reinterpret_cast<char*>(length_at + 2u * event.strings);
  AsciiCopy<true> strings;
  bool doubt = false;
  const packed::Bytes* const end = event.string + event.strings;
  for (const packed::Bytes* string = event.string; string != end; ++string, length_at += 2) {
    std::size_t size = string->size;
    if (has_list && string == event.string + event.list) {
      char* const behind = items::write(event, strings, at, doubt);
      size = static_cast<std::size_t>(behind - at);
      at = behind;
    } else {
      at = strings.copy(at, {static_cast<const char*>(string->data), size});
    }
    const auto length = static_cast<std::uint16_t>(size);
    std::memcpy(length_at, &length, sizeof length);
  }
  return !doubt && strings.all_ascii();
}

// Writes the event's `bytes`, at most kEventBytesMax, to `out`. True: every value is fine. False: ask check().
[[gnu::always_inline]] inline bool write(const packed::Event& event, std::size_t bytes, const Stamp& stamp, std::byte* out) noexcept {
  // Field by field: a head built on the stack and copied in wider pieces than it was stored in would wait for each of those stores.
  const auto put = [out](std::size_t offset, auto value) { std::memcpy(out + offset, &value, sizeof value); };
  using Head = abi::EventHead;
  put(offsetof(Head, stamp), stamp.ticks);
  put(offsetof(Head, sequence), stamp.sequence);
  put(offsetof(Head, time_ns), event.time_ns);
  put(offsetof(Head, present), event.present);
  put(offsetof(Head, truth), event.truth);
  put(offsetof(Head, length), static_cast<std::uint32_t>(bytes));
  put(offsetof(Head, kind), std::uint32_t{event.kind});  // and `reserved`
  static_assert(offsetof(Head, reserved) == offsetof(Head, kind) + 2 && sizeof(Head::reserved) == 2);

  std::byte* at = out + sizeof(Head);
  const std::uint64_t* const end = event.number + event.numbers;
  for (const std::uint64_t* number = event.number; number != end; ++number, at += 8) std::memcpy(at, number, 8);
  const bool fine = event.items == packed::Items::none ? write_strings<false>(event, at) : write_strings<true>(event, at);
  return fine && !event.doubt;
}

// In the order of event::validate: what is missing, then each value, then the size.
event::Fault check(const packed::Event& event, std::size_t bytes) noexcept;

}  // namespace arbiter::encode
