#include "producer/items.hpp"

#include <span>
#include <string_view>

#include "producer/item_fields.hpp"

namespace arbiter::items {
namespace {

bool of_c(const packed::Event& event) noexcept { return event.items >= packed::Items::c_texts; }

// work.operator()<list>(items), with the items as what they are.
template <class Work>
auto with_items(const packed::Event& event, Work&& work) {
  const packed::Bytes& list = event.string[event.list];
  switch (event.items) {
    case packed::Items::alternatives:
      return work.template operator()<schema::kAlternatives>(std::span(static_cast<const Alternative*>(list.data), list.size));
    case packed::Items::violations:
      return work.template operator()<schema::kViolations>(std::span(static_cast<const Violation*>(list.data), list.size));
    case packed::Items::scores:
      return work.template operator()<schema::kScores>(std::span(static_cast<const Score*>(list.data), list.size));
    default: break;
  }
  return work.template operator()<schema::kCapabilities>(std::span(static_cast<const std::string_view*>(list.data), list.size));
}

}  // namespace

std::size_t bytes(const packed::Event& event) noexcept {
  if (of_c(event)) [[unlikely]]
    return c_bytes(event);
  return with_items(event, BytesOfAll{});
}

char* write(const packed::Event& event, AsciiCopy<true>& strings, char* to, bool& doubt) noexcept {
  if (of_c(event)) [[unlikely]]
    return c_write(event, strings, to, doubt);
  return with_items(event, WriteAll{strings, to, doubt});
}

event::Fault check(const packed::Event& event) noexcept {
  if (of_c(event)) [[unlikely]]
    return c_check(event);
  return with_items(event, CheckAll{});
}

}  // namespace arbiter::items
