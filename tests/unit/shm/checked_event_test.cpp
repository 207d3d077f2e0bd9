// decode_and_validate() against decode() and validate(): whatever the bytes are, both say the same, and give the same.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "shm/checked_event.hpp"

namespace arbiter {
namespace {

using event::Malformed;
using event::Values;
using schema::Field;
using schema::Type;

// What of it was found: the shape is wrong, a value is, nothing is.
struct Found {
  std::size_t malformed = 0, faults = 0, good = 0;
};

void compare(std::span<const std::byte> event, Found& found) {
  const std::vector<std::byte> bytes(event.begin(), event.end());  // as long as that: sanitizers see who reads further
  Values one, other;
  const event::Checked checked = event::decode_and_validate(bytes, one);
  const Malformed shape = event::decode(bytes, other);
  REQUIRE(checked.shape == shape);
  if (shape != Malformed::none) {
    ++found.malformed;
    return;
  }
  const event::Fault fault = event::validate(other);
  REQUIRE(checked.fault.bad == fault.bad);
  if (fault.bad) {
    REQUIRE(checked.fault.rule == fault.rule);
    REQUIRE(checked.fault.field == fault.field);
  }
  ++(fault.bad ? found.faults : found.good);
  const bool same_head = one.kind == other.kind && one.stamp == other.stamp && one.sequence == other.sequence &&
                         one.time_ns == other.time_ns && one.present == other.present && one.truth == other.truth;
  REQUIRE(same_head);
  const schema::Masks& masks = schema::masks(one.kind);
  for (unsigned f = 0; f < schema::kFieldsMax; ++f) {
    if (((one.present & masks.fixed) >> f & 1) != 0) REQUIRE(one.number[f] == other.number[f]);
    if (((one.present & masks.sized) >> f & 1) != 0) REQUIRE((one.text[f].data == other.text[f].data && one.text[f] == other.text[f]));
  }
}

void compare(const Values& values, Found& found) {
  std::vector<std::byte> bytes(event::encoded_bytes(values));
  event::encode(values, bytes.data());
  compare(bytes, found);
}

std::string list_of(const Field& field, std::size_t items) {
  std::string bytes;
  event::ListWriter list(bytes);
  for (; items != 0; --items) {
    list.item();
    for (unsigned j = 0; j < field.list->fields.size(); ++j)
      field.list->fields[j].string() ? list.text(j, std::string_view("name")) : list.real(j, 0.5);
  }
  return bytes;
}

std::string good_text(const Field& field) {
  if (field.type == Type::list) return list_of(field, 2);
  if (field.type == Type::json) return R"({"a":1})";
  if (field.type == Type::hex) return std::string(field.hex_digits, 'a');
  return std::string(field.choices.empty() ? "any" : field.choices[0]);
}

// All fields, all good. What it points to is in `texts`.
Values good_event(Kind kind, std::vector<std::string>& texts) {
  Values v;
  v.kind = kind;
  v.stamp = 1, v.sequence = 2, v.time_ns = 3;
  const auto fields = schema::info(kind).fields;
  texts.resize(fields.size());
  for (unsigned f = 0; f < fields.size(); ++f) {
    if (fields[f].type == Type::boolean)
      v.set_flag(f, f % 2 == 0);
    else if (fields[f].type == Type::real)
      v.set_real(f, 0.5);
    else if (fields[f].fixed())
      v.set(f, 7);
    else
      v.set_text(f, std::string_view(texts[f] = good_text(fields[f])));
  }
  return v;
}

TEST_CASE("each value at the edge of what is allowed, and beyond it, is found to be the same by one walk and by two") {
  constexpr double inf = std::numeric_limits<double>::infinity(), most = std::numeric_limits<double>::max();
  const double reals[] = {0.0, -0.0, 1.0, std::nextafter(1.0, 2.0), -0.25, most, -most, inf, -inf, std::nan(""), -std::nan("")};
  const std::uint64_t counts[] = {0, schema::kCountMax, schema::kCountMax + 1, std::numeric_limits<std::uint64_t>::max()};
  const std::string names[] = {"",
                               "a",
                               std::string(255, 'n'),
                               std::string(256, 'n'),
                               std::string(300, 'n'),
                               "\xc3\xa4",
                               "\xc3",
                               "\xff",
                               "1234567",
                               "ABCDEF",
                               "{}",
                               "{",
                               "\x01\x00",
                               std::string(4000, 't')};
  const char hash[event::kHashBytes] = {1, 2, 3};
  Found found;
  for (std::size_t k = 1; k <= kKinds; ++k) {
    const auto kind = static_cast<Kind>(k);
    std::vector<std::string> texts;
    const Values good = good_event(kind, texts);
    compare(good, found);
    CHECK(found.good > 0);
    const auto fields = schema::info(kind).fields;
    for (unsigned f = 0; f < fields.size(); ++f) {
      Values v = good;
      v.clear(f);
      compare(v, found);
      if (fields[f].fixed()) {
        for (const double real : reals) v.set_real(f, real), compare(v, found);
        for (const std::uint64_t count : counts) v.set(f, count), compare(v, found);
      } else if (fields[f].type != Type::boolean) {
        for (const std::string& name : names) v.set_text(f, std::string_view(name)), compare(v, found);
        v.set_text(f, event::Text::hash(hash));
        compare(v, found);
        if (fields[f].type != Type::list) continue;
        for (const std::size_t items : {0u, 1u, 200u}) {
          const std::string list = list_of(fields[f], items);
          v.set_text(f, std::string_view(list));
          compare(v, found);
        }
      }
    }
  }
  CHECK(found.malformed > 50);
  CHECK(found.faults > 500);
  CHECK(found.good > 500);
}

TEST_CASE("an event with any byte changed, or cut anywhere, is found to be the same by one walk and by two") {
  Found found;
  for (std::size_t k = 1; k <= kKinds; ++k) {
    std::vector<std::string> texts;
    const Values good = good_event(static_cast<Kind>(k), texts);
    std::vector<std::byte> bytes(event::encoded_bytes(good));
    event::encode(good, bytes.data());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (unsigned change = 1; change < 256; ++change) {
        bytes[at] ^= static_cast<std::byte>(change);
        compare(bytes, found);
        bytes[at] ^= static_cast<std::byte>(change);
      }
      auto cut = std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
      compare(cut, found);
      if (at < sizeof(abi::EventHead)) continue;
      const auto length = static_cast<std::uint32_t>(at);  // as if the cut were the truth
      std::memcpy(cut.data() + offsetof(abi::EventHead, length), &length, sizeof length);
      compare(cut, found);
    }
  }
  CHECK(found.malformed > 1000);
  CHECK(found.faults > 1000);
  CHECK(found.good > 1000);
}

TEST_CASE("random bytes under a plausible head are found to be the same by one walk and by two") {
  std::mt19937_64 random(4);
  Found found;
  for (int i = 0; i < 50000; ++i) {
    std::vector<std::byte> bytes(40 + random() % 120);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() & (i % 2 == 0 ? 0x0f : 0xff));
    const auto kind = static_cast<std::uint16_t>(random() % (kKinds + 2));
    const schema::Masks& masks = schema::masks(schema::known(kind) ? static_cast<Kind>(kind) : Kind::generic);
    const auto present = static_cast<std::uint32_t>((random() & random() & masks.all) | masks.required);
    const auto truth = static_cast<std::uint32_t>(random()) & present & masks.boolean;
    const abi::EventHead head{1, 2, 3, present, truth, static_cast<std::uint32_t>(bytes.size()), kind, 0};
    std::memcpy(bytes.data(), &head, sizeof head);
    for (std::size_t b = 40; i % 4 == 0 && b + 2 <= bytes.size(); b += 2) bytes[b + 1] = std::byte{0};  // lengths that may add up
    compare(bytes, found);
  }
  CHECK(found.malformed > 1000);
}

}  // namespace
}  // namespace arbiter
