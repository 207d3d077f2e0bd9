#include "shm/event.hpp"

#include <cmath>

#include "shm/ascii_copy.hpp"
#include "shm/json_check.hpp"
#include "shm/utf8.hpp"

namespace arbiter::event {
namespace {

using schema::Field;
using schema::Type;

template <class T>
T load(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// std::popcount is a call on processors of the first x86-64 level. (Hacker's Delight, 2nd edition, figure 5-2.)
std::size_t bits_set(std::uint32_t mask) {
  mask -= mask >> 1 & 0x55555555;
  mask = (mask & 0x33333333) + (mask >> 2 & 0x33333333);
  mask = (mask + (mask >> 4)) & 0x0f0f0f0f;
  return mask * 0x01010101 >> 24;
}

std::size_t size_on_wire(std::uint16_t length) { return length == kHashed ? kHashBytes : length; }

Text text_of(const char* data, std::uint16_t length) { return length == kHashed ? Text::hash(data) : Text{std::string_view{data, length}}; }

std::uint16_t length_of(const Text& t) { return t.hashed ? kHashed : static_cast<std::uint16_t>(t.size); }

bool hex_digits(std::string_view s) {
  for (const char c : s)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  return true;
}

void store_head(const Values& v, std::uint32_t length, std::byte* out) {
  const abi::EventHead head{v.stamp, v.sequence, v.time_ns, v.present, v.truth, length, static_cast<std::uint16_t>(v.kind), 0};
  std::memcpy(out, &head, sizeof head);
}

// An id or a word without choices, which most fields are.
bool good_name(const Text& t, bool ascii) { return t.hashed || (t.size - 1 < schema::kWordBytesMax && (ascii || valid_utf8(t.bytes()))); }

Fault fault(abi::Refusal rule) { return {true, rule, kNoField}; }

Fault check_list(const schema::List& list, const Text& bytes) {
  ListReader items(list, bytes);
  while (items.next())
    for (unsigned j = 0; j < list.fields.size(); ++j) {
      const Field& f = list.fields[j];
      if (!items.has(j)) {
        if (f.required) return fault(abi::Refusal::missing);
        continue;
      }
      if (const Fault bad = f.string() ? check_string(f, items.text(j)) : check_real(f, items.real(j))) return bad;
    }
  return {};
}

}  // namespace

Fault check_string(const Field& f, const Text& t) {
  if (t.hashed) return f.type == Type::json ? fault(abi::Refusal::bad_json) : Fault{};
  if (t.size == 0 && (f.type == Type::id || f.type == Type::word)) return fault(abi::Refusal::missing);
  if ((f.type == Type::id || f.type == Type::word) && t.size > schema::kWordBytesMax) return fault(abi::Refusal::too_long);
  if (f.type == Type::hex) return t.size == f.hex_digits && hex_digits(t.bytes()) ? Fault{} : fault(abi::Refusal::not_hex);
  if (!valid_utf8(t.bytes())) return fault(abi::Refusal::not_utf8);
  if (f.type == Type::json) {
    switch (check_json_object(t.bytes())) {
      case JsonCheck::ok: break;
      case JsonCheck::too_deep: return fault(abi::Refusal::json_too_deep);
      case JsonCheck::bad: return fault(abi::Refusal::bad_json);
    }
  }
  if (!f.choices.empty()) {
    for (const std::string_view choice : f.choices)
      if (choice == t.bytes()) return {};
    return fault(abi::Refusal::not_a_choice);
  }
  return {};
}

Fault check_real(const Field& f, double value) {
  if (!std::isfinite(value)) return fault(abi::Refusal::not_finite);
  if (value < f.min || value > f.max) return fault(abi::Refusal::out_of_range);
  return {};
}

std::string Text::shown() const {
  if (!hashed) return std::string(bytes());
  static constexpr char digits[] = "0123456789abcdef";
  std::string out(kHashedPrefix);
  for (const char c : bytes()) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::optional<std::array<char, kHashBytes>> parse_hashed(std::string_view shown) {
  if (shown.size() != kHashedShownBytes || !shown.starts_with(kHashedPrefix)) return std::nullopt;
  const std::string_view digits = shown.substr(kHashedPrefix.size());
  if (!hex_digits(digits)) return std::nullopt;
  const auto nibble = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::array<char, kHashBytes> out;
  for (std::size_t i = 0; i < kHashBytes; ++i) out[i] = static_cast<char>(nibble(digits[2 * i]) << 4 | nibble(digits[2 * i + 1]));
  return out;
}

std::string_view malformed_text(Malformed m) {
  switch (m) {
    case Malformed::none: return "well formed";
    case Malformed::too_short: return "shorter than its head";
    case Malformed::too_long: return "longer than what is there";
    case Malformed::unknown_kind: return "of an unknown kind";
    case Malformed::unknown_field: return "with a field that its kind does not have";
    case Malformed::lengths: return "whose lengths do not add up";
  }
  return "malformed";
}

std::string_view refusal_text(abi::Refusal rule) {
  switch (rule) {
    case abi::Refusal::missing: return "is required and is missing or empty";
    case abi::Refusal::too_long: return "is longer than 255 bytes";
    case abi::Refusal::not_utf8: return "is not UTF-8";
    case abi::Refusal::not_finite: return "is not a finite number";
    case abi::Refusal::out_of_range: return "is out of its range";
    case abi::Refusal::not_a_choice: return "is not one of the words allowed";
    case abi::Refusal::bad_json: return "is not one JSON object";
    case abi::Refusal::json_too_deep: return "is JSON nested deeper than 64";
    case abi::Refusal::event_too_large: return "makes the event larger than 64 KiB";
    case abi::Refusal::too_many_items: return "has more than 65,535 items";
    case abi::Refusal::not_hex: return "is not the right number of lower-case hex digits";
  }
  return "is refused";
}

Malformed decode_but_lists(std::span<const std::byte> bytes, Values& out, std::size_t bytes_max) {
  if (bytes.size() < sizeof(abi::EventHead)) return Malformed::too_short;
  const auto head = load<abi::EventHead>(bytes.data());
  if (head.length < sizeof head) return Malformed::too_short;
  if (head.length > bytes.size() || head.length > bytes_max) return Malformed::too_long;
  if (!schema::known(head.kind)) return Malformed::unknown_kind;
  out.kind = static_cast<Kind>(head.kind);
  const schema::Masks& masks = schema::masks(out.kind);
  if ((head.present & ~masks.all) != 0 || (head.truth & ~(head.present & masks.boolean)) != 0) return Malformed::unknown_field;
  out.stamp = head.stamp;
  out.sequence = head.sequence;
  out.time_ns = head.time_ns;
  out.present = head.present;
  out.truth = head.truth;

  const std::uint32_t fixed = head.present & masks.fixed;
  const std::uint32_t sized = head.present & masks.sized;
  const std::size_t strings_at = sizeof head + 8 * bits_set(fixed) + 2 * bits_set(sized);
  if (strings_at > head.length) return Malformed::lengths;
  const std::byte* at = bytes.data() + sizeof head;
  for (std::uint32_t left = fixed; left != 0; left &= left - 1, at += 8)
    out.number[static_cast<unsigned>(std::countr_zero(left))] = load<std::uint64_t>(at);

  const char* string = reinterpret_cast<const char*>(bytes.data()) + strings_at;
  std::size_t room = head.length - strings_at;
  for (std::uint32_t left = sized; left != 0; left &= left - 1, at += 2) {
    const auto length = load<std::uint16_t>(at);
    const std::size_t size = size_on_wire(length);
    if (size > room) return Malformed::lengths;
    out.text[static_cast<unsigned>(std::countr_zero(left))] = text_of(string, length);
    string += size;
    room -= size;
  }
  return room != 0 ? Malformed::lengths : Malformed::none;
}

Malformed decode(std::span<const std::byte> bytes, Values& out, std::size_t bytes_max) {
  if (const Malformed bad = decode_but_lists(bytes, out, bytes_max); bad != Malformed::none) return bad;
  for (std::uint32_t left = out.present & schema::masks(out.kind).lists; left != 0; left &= left - 1) {
    const auto f = static_cast<unsigned>(std::countr_zero(left));
    ListReader items(*schema::info(out.kind).fields[f].list, out.text[f]);
    while (items.next()) {
    }
    if (items.malformed()) return Malformed::lengths;
  }
  return Malformed::none;
}

namespace {

// All that validate() checks of single values. `ascii`: all strings are known to be that.
Fault check_values(const Values& values, bool ascii) {
  const auto fields = schema::info(values.kind).fields;
  const schema::Masks& masks = schema::masks(values.kind);
  const std::uint32_t missing = masks.required & ~values.present;
  if (missing != 0) return {true, abi::Refusal::missing, static_cast<std::uint8_t>(std::countr_zero(missing))};
  for (std::uint32_t left = values.present & ~masks.boolean; left != 0; left &= left - 1) {
    const auto i = static_cast<unsigned>(std::countr_zero(left));
    if ((masks.plain >> i & 1) != 0 && good_name(values.text[i], ascii)) continue;
    const Field& f = fields[i];
    Fault bad;
    if (f.type == Type::list)
      bad = check_list(*f.list, values.text[i]);
    else if (f.string())
      bad = check_string(f, values.text[i]);
    else if (f.type == Type::real)
      bad = check_real(f, values.real(i));
    else if (f.type == Type::count && values.count(i) > schema::kCountMax)
      bad = fault(abi::Refusal::out_of_range);
    if (bad) {
      bad.field = static_cast<std::uint8_t>(i);
      return bad;
    }
  }
  return {};
}

}  // namespace

Fault validate(const Values& values) {
  if (const Fault bad = check_values(values, false)) return bad;
  return encoded_bytes(values) > abi::kEventBytesMax ? fault(abi::Refusal::event_too_large) : Fault{};
}

Fault validate_decoded(const Values& values) {
  AsciiCopy<false> strings;  // they lie one behind the other: nearly always one walk tells of all of them
  if (const std::uint32_t sized = values.present & schema::masks(values.kind).sized; sized != 0) {
    const char* const first = values.text[static_cast<unsigned>(std::countr_zero(sized))].data;
    const Text& last = values.text[static_cast<unsigned>(31 - std::countl_zero(sized))];
    strings.copy(const_cast<char*>(first), {first, static_cast<std::size_t>(last.data + last.size - first)});
  }
  return check_values(values, strings.all_ascii());
}

std::size_t encoded_bytes(const Values& values) {
  const schema::Masks& masks = schema::masks(values.kind);
  std::size_t bytes = sizeof(abi::EventHead) + 8 * bits_set(values.present & masks.fixed);
  for (std::uint32_t left = values.present & masks.sized; left != 0; left &= left - 1)
    bytes += 2 + values.text[static_cast<unsigned>(std::countr_zero(left))].stored_bytes();
  return bytes;
}

std::size_t encode(const Values& values, std::byte* out) {
  const schema::Masks& masks = schema::masks(values.kind);
  std::byte* at = out + sizeof(abi::EventHead);
  for (std::uint32_t left = values.present & masks.fixed; left != 0; left &= left - 1, at += 8)
    std::memcpy(at, &values.number[static_cast<unsigned>(std::countr_zero(left))], 8);
  const std::uint32_t sized = values.present & masks.sized;
  char* string = reinterpret_cast<char*>(at + 2 * bits_set(sized));
  AsciiCopy<true> copy;
  for (std::uint32_t left = sized; left != 0; left &= left - 1, at += 2) {
    const Text& t = values.text[static_cast<unsigned>(std::countr_zero(left))];
    const std::uint16_t length = length_of(t);
    std::memcpy(at, &length, 2);
    string = copy.copy(string, t.bytes());
  }
  const auto length = static_cast<std::uint32_t>(string - reinterpret_cast<char*>(out));
  store_head(values, length, out);
  return length;
}

std::size_t encode_unchanged(const Values& values, std::span<const std::byte> original, std::byte* out) {
  const auto length = load<abi::EventHead>(original.data()).length;
  std::memcpy(out, original.data(), length);
  store_head(values, length, out);
  return length;
}

ListReader::ListReader(const schema::List& list, Text bytes) : list_(&list), at_(bytes.data), end_(bytes.data + bytes.size) {
  if (bytes.hashed || bytes.size < 2) {
    malformed_ = true;
    return;
  }
  items_ = load<std::uint16_t>(at_);
  at_ += 2;
}

bool ListReader::next() {
  if (malformed_) return false;
  if (read_ == items_) {
    malformed_ = at_ != end_;
    return false;
  }
  // What is read is held here, not in the members: a byte that is stored to one of those could be any of the others.
  const char* at = at_;
  const std::span<const schema::Field> fields = list_->fields;
  const auto room = [&] { return static_cast<std::size_t>(end_ - at); };
  const auto give_up = [&] {
    malformed_ = true;
    return false;
  };
  if (room() < 1) return give_up();
  const auto present = load<std::uint8_t>(at++);
  if (present >> fields.size() != 0) return give_up();
  for (unsigned f = 0; f < fields.size(); ++f) {
    if ((present >> f & 1) == 0) continue;
    if (fields[f].string()) {
      if (room() < 2) return give_up();
      const auto length = load<std::uint16_t>(at);
      const std::size_t size = size_on_wire(length);
      at += 2;
      if (room() < size) return give_up();
      text_[f] = text_of(at, length);
      at += size;
    } else {
      if (room() < 8) return give_up();
      number_[f] = load<std::uint64_t>(at);
      at += 8;
    }
  }
  at_ = at;
  present_ = present;
  ++read_;
  return true;
}

void ListWriter::item() {
  item_at_ = out_.size();
  out_ += '\0';
  const auto count = static_cast<std::uint16_t>(++items_);
  std::memcpy(out_.data() + count_at_, &count, 2);
}

void ListWriter::mark(unsigned f) { out_[item_at_] = static_cast<char>(out_[item_at_] | 1 << f); }

void ListWriter::real(unsigned f, double value) {
  mark(f);
  out_.append(reinterpret_cast<const char*>(&value), 8);
}

void ListWriter::text(unsigned f, Text value) {
  mark(f);
  const std::uint16_t length = length_of(value);
  out_.append(reinterpret_cast<const char*>(&length), 2);
  out_.append(value.bytes());
}

}  // namespace arbiter::event
