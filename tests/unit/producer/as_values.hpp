// A public struct in the form of the table, the slow and plain way: what the encoder has to agree with.
#pragma once

#include <deque>
#include <string>

#include "producer/encode.hpp"
#include "shm/event.hpp"

namespace arbiter::test {

template <class T>
std::string list_as_bytes(const List<T>& items) {
  std::string bytes;
  event::ListWriter writer(bytes);
  for (const T& item : items) {
    writer.item();
    describe::item<T>::fields::each([&]<class At>() {
      const auto& value = At::get(item);
      using V = std::remove_cvref_t<decltype(value)>;
      if constexpr (std::is_same_v<V, double>) {
        writer.real(At::index, value);
      } else if constexpr (std::is_same_v<V, Number>) {
        if (value) writer.real(At::index, *value);
      } else {
        const bool is_text = At::field.type == schema::Type::text;
        const bool is_the_item = At::field.path.empty() && is_text;
        if (is_the_item || (is_text ? value.data() != nullptr : !value.empty())) writer.text(At::index, value);
      }
    });
  }
  return bytes;
}

// `lists` holds the bytes that the values point to.
template <class E>
event::Values as_values(const E& event, std::deque<std::string>& lists) {
  event::Values values;
  values.kind = describe::of<E>::kind;
  values.time_ns = describe::of<E>::time(event).has_value() ? *describe::of<E>::time(event) : abi::kNoTime;
  describe::of<E>::fields::each([&]<class At>() {
    const auto& value = At::get(event);
    using V = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<V, std::string_view>) {
      if (At::field.type == schema::Type::text ? value.data() != nullptr : !value.empty()) values.set_text(At::index, value);
    } else if constexpr (encode::is_list<V>) {
      if (value.has_value()) values.set_text(At::index, event::Text(lists.emplace_back(list_as_bytes(value))));
    } else if (value.has_value()) {
      if constexpr (std::is_same_v<V, Number>) values.set_real(At::index, *value);
      if constexpr (std::is_same_v<V, Flag>) values.set_flag(At::index, *value);
      if constexpr (std::is_same_v<V, Count>) values.set(At::index, value.out_of_range() ? UINT64_MAX : value.value());
      if constexpr (std::is_same_v<V, UnixTimeNs>) values.set_time(At::index, *value);
    }
  });
  return values;
}

}  // namespace arbiter::test
