#include "shm/checked_event.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "shm/ascii_copy.hpp"

namespace arbiter::event {
namespace {

using schema::Field;
using schema::Type;

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Which numbers are good if, their bits taken as one unsigned number, they are not above this. Reals that are finite and not negative are
// ordered as their bits are; the others are left to check_real.
constexpr std::optional<std::uint64_t> most_bits(const Field& f) {
  if (f.type == Type::count) return schema::kCountMax;
  if (f.type == Type::time) return std::numeric_limits<std::uint64_t>::max();
  if (f.type != Type::real || f.min != 0 || f.max < 0) return std::nullopt;
  return std::bit_cast<std::uint64_t>(std::min(f.max, std::numeric_limits<double>::max()));
}

// Of one kind, beside its masks. Bit i is field i.
struct Quick {
  std::uint32_t bounded = 0;  // numbers that are good up to `most`
  std::uint32_t texts = 0;    // good if they are UTF-8
  std::array<std::uint64_t, schema::kFieldsMax> most{};
};
constexpr std::array<Quick, kKinds> kQuick = [] {
  std::array<Quick, kKinds> all{};
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    const auto fields = schema::kKindTable[kind].fields;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::uint32_t bit = std::uint32_t{1} << i;
      if (const auto most = most_bits(fields[i])) all[kind].bounded |= bit, all[kind].most[i] = *most;
      if (fields[i].type == Type::text && fields[i].choices.empty()) all[kind].texts |= bit;
    }
  }
  return all;
}();

// How many bits are set in each, at the price of one. (As in event.cpp.)
struct Numbers {
  std::uint32_t low, high;
};
Numbers bits_set(std::uint32_t low, std::uint32_t high) {
  std::uint64_t mask = low | std::uint64_t{high} << 32;
  mask -= mask >> 1 & 0x5555555555555555;
  mask = (mask & 0x3333333333333333) + (mask >> 2 & 0x3333333333333333);
  mask = ((mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x01010101;
  return {static_cast<std::uint32_t>(mask) >> 24, static_cast<std::uint32_t>(mask >> 56)};
}

bool good_list(const schema::List& list, const Text& bytes) {
  ListReader items(list, bytes);
  while (items.next())
    for (unsigned j = 0; j < list.fields.size(); ++j) {
      const Field& f = list.fields[j];
      if (!items.has(j) ? f.required : static_cast<bool>(f.string() ? check_string(f, items.text(j)) : check_real(f, items.real(j))))
        return false;
    }
  return !items.malformed();
}

bool good_value(const Field& f, const Values& v, unsigned i) {
  if (f.type == Type::list) return good_list(*f.list, v.text[i]);
  return f.string() ? !check_string(f, v.text[i]) : !check_real(f, v.real(i));
}

// True: it is well-formed and valid, and `v` is what decode() gives. False: it is not, or that cannot be told here.
bool decode_valid(std::span<const std::byte> bytes, Values& v) {
  if (bytes.size() < sizeof(abi::EventHead)) return false;
  const auto head = load<abi::EventHead>(bytes.data());
  if (head.length > bytes.size() || head.length > abi::kEventBytesMax || !schema::known(head.kind)) return false;
  const auto kind = static_cast<Kind>(head.kind);
  const schema::Masks& masks = schema::masks(kind);
  const Quick& quick = kQuick[static_cast<std::size_t>(kind) - 1];
  if (((head.present & ~masks.all) | (masks.required & ~head.present) | (head.truth & ~(head.present & masks.boolean))) != 0) return false;
  v.kind = kind;
  v.stamp = head.stamp;
  v.sequence = head.sequence;
  v.time_ns = head.time_ns;
  v.present = head.present;
  v.truth = head.truth;

  const std::uint32_t fixed = head.present & masks.fixed;
  const std::uint32_t sized = head.present & masks.sized;
  const Numbers fields = bits_set(fixed, sized);
  const std::size_t strings_at = sizeof head + 8 * fields.low + 2 * fields.high;
  if (strings_at > head.length) return false;
  const std::byte* at = bytes.data() + sizeof head;
  for (std::uint32_t left = fixed; left != 0; left &= left - 1, at += 8) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    const auto number = load<std::uint64_t>(at);
    v.number[f] = number;
    if (number > quick.most[f] && (quick.bounded >> f & 1) != 0) return false;
  }

  const std::string_view strings(reinterpret_cast<const char*>(bytes.data()) + strings_at, head.length - strings_at);
  const char* string = strings.data();
  std::size_t room = strings.size();
  for (std::uint32_t left = sized; left != 0; left &= left - 1, at += 2) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    const auto length = load<std::uint16_t>(at);
    const Text text = length == kHashed ? Text::hash(string) : Text{std::string_view(string, length)};
    if (text.size > room) return false;
    if (text.size - 1 >= schema::kWordBytesMax && (masks.plain >> f & 1) != 0) return false;
    v.text[f] = text;
    string += text.size;
    room -= text.size;
  }
  if (room != 0) return false;

  AsciiCopy<false> walk;  // over all strings at once, as they lie one behind the other
  walk.copy(const_cast<char*>(strings.data()), strings);
  const std::uint32_t good = quick.bounded | masks.boolean | (walk.all_ascii() ? masks.plain | quick.texts : 0);
  for (std::uint32_t left = head.present & ~good; left != 0; left &= left - 1) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    if (!good_value(schema::info(kind).fields[f], v, f)) return false;
  }
  return true;
}

}  // namespace

Checked decode_and_validate(std::span<const std::byte> bytes, Values& out) {
  if (decode_valid(bytes, out)) [[likely]]
    return {};
  if (const Malformed bad = decode(bytes, out); bad != Malformed::none) return {bad, {}};
  return {Malformed::none, validate_decoded(out)};
}

}  // namespace arbiter::event
