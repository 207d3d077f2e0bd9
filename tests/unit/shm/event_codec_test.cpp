// Any event survives the way there and back; any bytes survive being read.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "shm/event.hpp"

using namespace arbiter;
using event::Malformed;
using event::Values;

namespace {

// A random event with its strings' memory.
struct Sample {
  Values values;
  std::vector<std::unique_ptr<std::string>> memory;

  std::string_view keep(std::string s) { return *memory.emplace_back(std::make_unique<std::string>(std::move(s))); }

  Sample(Kind kind, std::mt19937_64& random) {
    const auto text = [&](std::size_t most) {
      std::string s(random() % (most + 1), ' ');
      for (char& c : s) c = static_cast<char>(random());  // any bytes: the codec looks into none
      return s;
    };
    const auto any_text = [&](std::size_t most) {
      return random() % 8 == 0 ? event::Text::hash(keep(text(0) + std::string(16, 'h')).data()) : event::Text(keep(text(most)));
    };
    values.kind = kind;
    values.stamp = random(), values.sequence = random(), values.time_ns = static_cast<std::int64_t>(random());
    const auto fields = schema::info(kind).fields;
    for (unsigned f = 0; f < fields.size(); ++f) {
      if (random() % 3 == 0) continue;
      if (fields[f].fixed()) {
        values.set(f, random());
      } else if (fields[f].type == schema::Type::boolean) {
        values.set_flag(f, random() % 2 == 0);
      } else if (fields[f].type == schema::Type::list) {
        std::string bytes;
        event::ListWriter list(bytes);
        for (std::size_t items = random() % 5; items != 0; --items) {
          list.item();
          for (unsigned j = 0; j < fields[f].list->fields.size(); ++j) {
            if (random() % 3 == 0) continue;
            if (fields[f].list->fields[j].string())
              list.text(j, any_text(20));
            else
              list.real(j, static_cast<double>(random() % 1000) / 7);
          }
        }
        values.set_text(f, keep(std::move(bytes)));
      } else {
        values.set_text(f, any_text(random() % 10 == 0 ? 3000 : 40));
      }
    }
  }
};

bool same(const Values& a, const Values& b) {
  if (a.kind != b.kind || a.stamp != b.stamp || a.sequence != b.sequence || a.time_ns != b.time_ns || a.present != b.present ||
      a.truth != b.truth)
    return false;
  const auto fields = schema::info(a.kind).fields;
  for (unsigned f = 0; f < fields.size(); ++f) {
    if (!a.has(f)) continue;
    if (fields[f].fixed() && a.number[f] != b.number[f]) return false;
    if (!fields[f].fixed() && fields[f].type != schema::Type::boolean && !(a.text[f] == b.text[f])) return false;
  }
  return true;
}

// Bytes in memory of exactly their size, so that a sanitizer sees a step too far.
std::vector<std::byte> exactly(std::span<const std::byte> bytes) { return std::vector<std::byte>(bytes.begin(), bytes.end()); }

}  // namespace

TEST_CASE("events of every kind with any fields are read back as they were written") {
  std::mt19937_64 random(1);
  for (std::size_t kind = 1; kind <= kKinds; ++kind)
    for (int i = 0; i < 300; ++i) {
      const Sample sample(static_cast<Kind>(kind), random);
      std::vector<std::byte> bytes(event::encoded_bytes(sample.values));
      if (event::encode(sample.values, bytes.data()) != bytes.size()) FAIL("wrote another number of bytes than it said");
      Values back;
      if (event::decode(bytes, back) != Malformed::none || !same(sample.values, back)) FAIL("kind " << kind << " came back different");
    }
}

TEST_CASE("an event that has only another head is copied to the bytes that it would be encoded to") {
  std::mt19937_64 random(5);
  for (std::size_t kind = 1; kind <= kKinds; ++kind)
    for (int i = 0; i < 100; ++i) {
      const Sample sample(static_cast<Kind>(kind), random);
      std::vector<std::byte> bytes(event::encoded_bytes(sample.values));
      event::encode(sample.values, bytes.data());
      bytes[offsetof(abi::EventHead, reserved)] = std::byte{7};  // whoever wrote it: it does not go on
      Values v;
      REQUIRE(event::decode(bytes, v) == Malformed::none);
      v.stamp = random(), v.sequence = random(), v.time_ns = static_cast<std::int64_t>(random());
      std::vector<std::byte> encoded(bytes.size()), copied(bytes.size());
      event::encode(v, encoded.data());
      CHECK(event::encode_unchanged(v, bytes, copied.data()) == bytes.size());
      if (copied != encoded) FAIL("kind " << kind << " differs");
    }
}

TEST_CASE("an event cut anywhere is malformed, and nothing is read behind the cut") {
  std::mt19937_64 random(2);
  for (std::size_t kind = 1; kind <= kKinds; ++kind) {
    const Sample sample(static_cast<Kind>(kind), random);
    std::vector<std::byte> bytes(event::encoded_bytes(sample.values));
    event::encode(sample.values, bytes.data());
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      auto cut = exactly(std::span(bytes).first(n));
      if (n >= sizeof(abi::EventHead)) {  // as if the cut were the truth
        const auto length = static_cast<std::uint32_t>(n);
        Values v;
        if (event::decode(cut, v) != Malformed::too_long) FAIL("read more than there was");
        std::memcpy(cut.data() + offsetof(abi::EventHead, length), &length, 4);
      }
      Values v;
      if (event::decode(cut, v) == Malformed::none) FAIL("believed a part of an event");
    }
  }
}

bool same(const event::Fault& a, const event::Fault& b) { return a.bad == b.bad && (!a.bad || (a.rule == b.rule && a.field == b.field)); }

TEST_CASE("an event with any byte changed is read or refused, and what is read and written again is the same bytes") {
  std::mt19937_64 random(3);
  std::size_t read = 0, refused = 0;
  for (std::size_t kind = 1; kind <= kKinds; ++kind) {
    for (int sample_number = 0; sample_number < 4; ++sample_number) {
      const Sample sample(static_cast<Kind>(kind), random);
      std::vector<std::byte> bytes(event::encoded_bytes(sample.values));
      event::encode(sample.values, bytes.data());
      if (bytes.size() > 800) continue;
      for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const unsigned change : {0x01u, 0x80u, 0xffu}) {
          auto changed = exactly(bytes);
          changed[at] ^= static_cast<std::byte>(change);
          Values v;
          if (event::decode(changed, v) != Malformed::none) {
            ++refused;
            continue;
          }
          ++read;
          CHECK(same(event::validate_decoded(v), event::validate(v)));  // whatever they find, they read inside
          std::uint16_t reserved;
          std::memcpy(&reserved, changed.data() + offsetof(abi::EventHead, reserved), 2);
          if (reserved != 0) continue;
          std::vector<std::byte> again(event::encoded_bytes(v));
          if (event::encode(v, again.data()) > bytes.size() || !std::equal(again.begin(), again.end(), changed.begin()))
            FAIL("written again, it differs");
        }
    }
  }
  CHECK(read > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("random bytes under a plausible head are read or refused, inside their memory") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 50000; ++i) {
    const std::size_t size = 40 + random() % 120;
    std::vector<std::byte> bytes(size);
    for (std::size_t b = 0; b < size; ++b) bytes[b] = static_cast<std::byte>(random());
    const auto kind = static_cast<std::uint16_t>(1 + random() % kKinds);
    const schema::Masks& masks = schema::masks(static_cast<Kind>(kind));
    const auto present = static_cast<std::uint32_t>(random() & random() & masks.all);
    const abi::EventHead head{
        1, 2, 3, present, static_cast<std::uint32_t>(random()) & present & masks.boolean, static_cast<std::uint32_t>(size), kind, 0};
    std::memcpy(bytes.data(), &head, sizeof head);
    if (random() % 2 == 0) {  // small lengths, that may add up
      for (std::size_t b = 40; b + 2 <= size; b += 2) bytes[b + 1] = std::byte{0}, bytes[b] &= std::byte{0x0f};
    }
    Values v;
    if (event::decode(bytes, v) == Malformed::none) CHECK(same(event::validate_decoded(v), event::validate(v)));
  }
}
