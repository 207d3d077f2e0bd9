// A public struct in the form of the table, the slow and plain way: what the encoder has to agree with. And what every visitor of
// arbiter/fields.hpp relies on, checked as it is compiled: that each field's number, type, range and need are those of the table.
#pragma once

#include <deque>
#include <limits>
#include <string>

#include "arbiter/fields.hpp"
#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter::test {

class ListAsBytes {
 public:
  explicit ListAsBytes(std::string& bytes) : writer_(bytes) {}
  void begin_item() { writer_.item(); }

  template <unsigned i, bool required = false>
  void item_text(std::string_view value) {
    if (required || value.data() != nullptr) writer_.text(i, value);
  }
  template <unsigned i, bool required = false>
  void item_word(std::string_view value) {
    if (!value.empty()) writer_.text(i, value);
  }
  template <unsigned i, bool required = false, class Known>
  void item_choice(std::string_view value, Known) {
    item_word<i, required>(value);
  }
  template <unsigned i>
  void item_number(const Number& value) {
    if (value) writer_.real(i, *value);
  }

 private:
  event::ListWriter writer_;
};

template <class T>
std::string list_as_bytes(const List<T>& items) {
  std::string bytes;
  ListAsBytes writer(bytes);
  for (const T& item : items) {
    writer.begin_item();
    fields::each(writer, item);
  }
  return bytes;
}

template <Kind kind>
class AsValues {
 public:
  AsValues(event::Values& values, std::deque<std::string>& lists) : values_(values), lists_(lists) {}
  std::uint32_t handed = 0;  // bit i: field i of the table has a member

  template <unsigned i, bool required = false>
  void id(std::string_view value) {
    string<i, schema::Type::id, required>(value);
  }
  template <unsigned i>
  void own_id(std::string_view value) {
    string<i, schema::Type::id, field<i>.required>(value);
  }
  template <unsigned i, bool required = false>
  void word(std::string_view value) {
    static_assert(field<i>.choices.empty());
    string<i, schema::Type::word, required>(value);
  }
  template <unsigned i, bool required = false, class Known>
  void choice(std::string_view value, Known) {
    static_assert(!field<i>.choices.empty());
    string<i, schema::Type::word, required>(value);
  }
  template <unsigned i, bool required = false>
  void json(std::string_view value) {
    string<i, schema::Type::json, required>(value);
  }
  template <unsigned i>
  void hex(std::string_view value) {
    string<i, schema::Type::hex, false>(value);
  }
  template <unsigned i>
  void text(std::string_view value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::text && !field<i>.required);
    if (value.data() != nullptr) values_.set_text(i, value);
  }
  template <unsigned i, class T>
  void list(const List<T>& items) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::list);
    if (items.has_value()) values_.set_text(i, event::Text(lists_.emplace_back(list_as_bytes(items))));
  }
  template <unsigned i>
  void number(const Number& value) {
    real<i>(value);
    static_assert(field<i>.min == -schema::kInfinity && field<i>.max == schema::kInfinity);
  }
  template <unsigned i>
  void amount(const Number& value) {
    real<i>(value);
    static_assert(field<i>.min == 0 && field<i>.max == schema::kInfinity);
  }
  template <unsigned i>
  void share(const Number& value) {
    real<i>(value);
    static_assert(field<i>.min == 0 && field<i>.max == 1);
  }
  template <unsigned i>
  void count(const Count& value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::count && !field<i>.required);
    if (value.has_value()) values_.set(i, value.out_of_range() ? UINT64_MAX : value.value());
  }
  template <unsigned i>
  void time(const UnixTimeNs& value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::time && !field<i>.required);
    if (value) values_.set_time(i, *value);
  }
  template <unsigned i, bool required = false>
  void flag(const Flag& value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::boolean && field<i>.required == required);
    if (value.has_value()) values_.set_flag(i, *value);
  }
  void occurred(const UnixTimeNs& value) { values_.time_ns = value ? *value : abi::kNoTime; }

 private:
  template <unsigned i>
  static constexpr const schema::Field& field = schema::info(kind).fields[i];

  template <unsigned i, schema::Type type, bool required>
  void string(std::string_view value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == type && field<i>.required == required);
    if (!value.empty()) values_.set_text(i, value);
  }
  template <unsigned i>
  void real(const Number& value) {
    handed |= std::uint32_t{1} << i;
    static_assert(field<i>.type == schema::Type::real && !field<i>.required);
    if (value) values_.set_real(i, *value);
  }

  event::Values& values_;
  std::deque<std::string>& lists_;
};

// `lists` holds the bytes that the values point to.
template <class E>
event::Values as_values(const E& event, std::deque<std::string>& lists) {
  constexpr auto kind = static_cast<Kind>(fields::kKind<E>);
  event::Values values;
  values.kind = kind;
  AsValues<kind> to(values, lists);
  fields::each(to, event);
  return values;
}

// The fields of the table that the struct has a member for.
template <class E>
std::uint32_t fields_of() {
  event::Values values;
  std::deque<std::string> lists;
  AsValues<static_cast<Kind>(fields::kKind<E>)> to(values, lists);
  fields::each(to, E{});
  return to.handed;
}

}  // namespace arbiter::test
