// The layout of one event, in a lane and in the journal alike, and its codec.
//
//   EventHead                                     40 bytes (abi.hpp)
//   8 bytes for each present count, real, time     in the order of the kind's table
//   2 bytes for each present id, word, text, hex, json, list: its length, in the order of the table
//   the bytes of those, one behind the other
//
// A list is: 2 bytes number of items; an item is 1 byte of presence (bit j: field j of the item), then, in the order of the item's table,
// 8 bytes for a number, 2 bytes of length and the bytes for a string. Little-endian, unaligned, nothing padded but to whole records in a
// lane.
//
// A length of 0xffff (kHashed) means an id or text that anonymisation has replaced: 16 bytes follow, shown as "anon-" and 32 hex digits.
// No event can hold a string that long, so the mark takes nothing away. A string that is already of the shown form is stored as such, and
// never hashed again.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shm/abi.hpp"
#include "shm/schema.hpp"

namespace arbiter::event {

inline constexpr std::uint16_t kHashed = 0xffff;
inline constexpr std::size_t kHashBytes = 16;
inline constexpr std::string_view kHashedPrefix = "anon-";
inline constexpr std::size_t kHashedShownBytes = 5 + 2 * kHashBytes;

// A string field's value: bytes, and whether they are text or the 16 bytes of a hash.
struct Text {
  const char* data = nullptr;
  std::uint32_t size = 0;
  bool hashed = false;

  Text() = default;
  Text(std::string_view text) : data(text.data()), size(static_cast<std::uint32_t>(text.size())) {}
  static Text hash(const void* bytes) {
    Text t;
    t.data = static_cast<const char*>(bytes), t.size = kHashBytes, t.hashed = true;
    return t;
  }
  std::string_view bytes() const { return {data, size}; }
  std::size_t stored_bytes() const { return size; }
  std::string shown() const;  // as exported: the text, or "anon-" and hex digits
  bool operator==(const Text& o) const { return hashed == o.hashed && bytes() == o.bytes(); }
};

// The 16 bytes behind "anon-<32 hex digits>", or nothing if `shown` is not of that form.
std::optional<std::array<char, kHashBytes>> parse_hashed(std::string_view shown);

// What the fields of one event hold. Only fields whose bit is set in `present` mean anything. Strings are views of the buffer that the
// event was decoded from, or of what the caller gave.
struct Values {
  Kind kind = Kind::generic;
  std::uint64_t stamp = 0;
  std::uint64_t sequence = 0;
  std::int64_t time_ns = abi::kNoTime;
  std::uint32_t present = 0;
  std::uint32_t truth = 0;
  std::array<std::uint64_t, schema::kFieldsMax> number;  // bits of the count, double or signed time
  std::array<Text, schema::kFieldsMax> text;             // strings; a list's bytes as encoded

  bool has(unsigned f) const { return (present >> f & 1) != 0; }
  bool flag(unsigned f) const { return (truth >> f & 1) != 0; }
  std::uint64_t count(unsigned f) const { return number[f]; }
  double real(unsigned f) const { return std::bit_cast<double>(number[f]); }
  std::int64_t time(unsigned f) const { return static_cast<std::int64_t>(number[f]); }

  void set(unsigned f, std::uint64_t count) { present |= 1u << f, number[f] = count; }
  void set_real(unsigned f, double value) { set(f, std::bit_cast<std::uint64_t>(value)); }
  void set_time(unsigned f, std::int64_t ns) { set(f, static_cast<std::uint64_t>(ns)); }
  void set_flag(unsigned f, bool value) {
    present |= 1u << f;
    truth = value ? truth | 1u << f : truth & ~(1u << f);
  }
  void set_text(unsigned f, Text value) { present |= 1u << f, text[f] = value; }
  void clear(unsigned f) { present &= ~(1u << f), truth &= ~(1u << f); }
};

// The shape of the bytes is wrong: nothing in them can be believed.
enum class Malformed : std::uint8_t { none, too_short, too_long, unknown_kind, unknown_field, lengths };
std::string_view malformed_text(Malformed m);

// The most an event may take in the journal: there it carries what the collector added, and hashes can be longer than the ids they stand
// for.
inline constexpr std::size_t kStoredEventBytesMax = 2 * abi::kEventBytesMax;

// Reads the structure of `bytes` (at least `head.length` of them) into `out`. Trusts nothing: every length is checked against what is
// there, and against `bytes_max`: abi::kEventBytesMax for an event in a lane, kStoredEventBytesMax for one in the journal. Does not look
// into values (see `validate`). O(fields present), allocates nothing.
Malformed decode(std::span<const std::byte> bytes, Values& out, std::size_t bytes_max = abi::kEventBytesMax);
// The same, but for the items of a list, which are left to whoever reads them: ListReader ends where they are malformed. Of bytes that
// went through decode() once.
Malformed decode_but_lists(std::span<const std::byte> bytes, Values& out, std::size_t bytes_max = abi::kEventBytesMax);

// What is wrong with a value: which field, which rule. field == kNoField: the event as a whole.
inline constexpr std::uint8_t kNoField = 0xff;
struct Fault {
  bool bad = false;
  abi::Refusal rule{};
  std::uint8_t field = kNoField;
  explicit operator bool() const { return bad; }
};
std::string_view refusal_text(abi::Refusal rule);  // "is not a finite number"

// The rule of one string or number by itself: what `validate` applies to each field and to each item of a list. `field` is left to the
// caller.
Fault check_string(const schema::Field& field, const Text& value);
Fault check_real(const schema::Field& field, double value);

// Checks every value against the kind's table: required, ranges, UTF-8, choices, JSON, items of lists. Allocates nothing.
Fault validate(const Values& values);
// The same of what decode() has just given, untouched: cheaper, as it is known to fit, and where its strings lie.
Fault validate_decoded(const Values& values);

// Bytes that `encode` will write.
std::size_t encoded_bytes(const Values& values);

// Writes the event; `out` holds encoded_bytes(values). Returns the bytes written.
std::size_t encode(const Values& values, std::byte* out);
// The same bytes, at the price of a copy: of values that are those which decode() gave of `original`, all but stamp, sequence and time.
std::size_t encode_unchanged(const Values& values, std::span<const std::byte> original, std::byte* out);

// No event is encoded to more, whatever is in it.
inline constexpr std::size_t kEncodedBytesMax = [] {
  std::size_t most = 0;
  for (const schema::KindInfo& kind : schema::kKindTable) {
    std::size_t bytes = sizeof(abi::EventHead);
    for (const schema::Field& field : kind.fields) bytes += field.fixed() ? std::size_t{8} : std::size_t{2} + kHashed;
    most = bytes > most ? bytes : most;
  }
  return most;
}();

// Walks the items of a list. Checks structure as it goes: next() ends early and malformed() says so.
class ListReader {
 public:
  ListReader(const schema::List& list, Text bytes);
  bool next();  // to the first or next item; false at the end
  std::size_t size() const { return items_; }
  bool malformed() const { return malformed_; }

  bool has(unsigned f) const { return (present_ >> f & 1) != 0; }
  double real(unsigned f) const { return std::bit_cast<double>(number_[f]); }
  Text text(unsigned f) const { return text_[f]; }

 private:
  const schema::List* list_;
  const char* at_;
  const char* end_;
  std::uint16_t items_ = 0, read_ = 0;
  bool malformed_ = false;
  std::uint8_t present_ = 0;
  std::array<std::uint64_t, 8> number_{};
  std::array<Text, 8> text_{};
};

// Builds the bytes of a list, item by item, for callers that are not on the record path (import, anonymisation).
class ListWriter {
 public:
  explicit ListWriter(std::string& out) : out_(out), count_at_(out.size()) { out_.append(2, '\0'); }
  void item();  // begins the next item; its fields follow in the order of the table
  void real(unsigned f, double value);
  void text(unsigned f, Text value);
  std::size_t size() const { return items_; }

 private:
  void mark(unsigned f);
  std::string& out_;
  std::size_t count_at_;
  std::size_t item_at_ = 0;
  std::size_t items_ = 0;
};

}  // namespace arbiter::event
