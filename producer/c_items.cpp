// The lists of C, whose items lie as far apart as the list says.
#include <type_traits>

#include "producer/c_fields.hpp"
#include "producer/item_fields.hpp"
#include "producer/items.hpp"

namespace arbiter::items {
namespace {

template <class List>
auto items_of(const packed::Bytes& list) {
  return c::Items<std::remove_cvref_t<decltype(*List::items)>>(*static_cast<const List*>(list.data));
}

template <class Work>
auto with_items(const packed::Event& event, Work&& work) {
  const packed::Bytes& list = event.string[event.list];
  switch (event.items) {
    case packed::Items::c_alternatives: return work.template operator()<schema::kAlternatives>(items_of<arbiter_alternatives>(list));
    case packed::Items::c_violations: return work.template operator()<schema::kViolations>(items_of<arbiter_violations>(list));
    case packed::Items::c_scores: return work.template operator()<schema::kScores>(items_of<arbiter_scores>(list));
    default: break;
  }
  return work.template operator()<schema::kCapabilities>(items_of<arbiter_strings>(list));
}

}  // namespace

std::size_t c_bytes(const packed::Event& event) noexcept { return with_items(event, BytesOfAll{}); }

char* c_write(const packed::Event& event, AsciiCopy<true>& strings, char* to, bool& doubt) noexcept {
  return with_items(event, WriteAll{strings, to, doubt});
}

event::Fault c_check(const packed::Event& event) noexcept { return with_items(event, CheckAll{}); }

}  // namespace arbiter::items
