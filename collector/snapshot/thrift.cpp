#include "collector/snapshot/thrift.hpp"

namespace arbiter::snapshot::thrift {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kLongList = 15;

std::uint64_t zigzag(std::int64_t value) { return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63); }
std::int64_t unzigzag(std::uint64_t value) { return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1))); }

}  // namespace

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto b = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if ((b & 0x80) == 0) return value;
  }
  return std::nullopt;
}

void Writer::field(int id, Type type) {
  const int above = id - last_.back();  // 1..15 in all that Parquet has
  out_ += static_cast<char>(above << 4 | static_cast<int>(type));
  last_.back() = id;
}

void Writer::number(int id, Type type, std::int64_t value) {
  field(id, type);
  append_varint(out_, zigzag(value));
}

void Writer::binary(int id, std::string_view bytes) {
  field(id, Type::binary);
  item_binary(bytes);
}

void Writer::begin_object(int id) {
  field(id, Type::object);
  last_.push_back(0);
}

void Writer::end_object() {
  out_ += '\0';
  last_.pop_back();
}

void Writer::list(int id, Type of, std::size_t size) {
  field(id, Type::list);
  if (size < kLongList) {
    out_ += static_cast<char>(size << 4 | static_cast<std::size_t>(of));
    return;
  }
  out_ += static_cast<char>(kLongList << 4 | static_cast<std::size_t>(of));
  append_varint(out_, size);
}

void Writer::item_i32(std::int64_t value) { append_varint(out_, zigzag(value)); }

void Writer::item_binary(std::string_view bytes) {
  append_varint(out_, bytes.size());
  out_ += bytes;
}

void Reader::fail() {
  failed_ = true;
  left_ = {};
}

std::uint8_t Reader::byte() {
  if (left_.empty()) {
    fail();
    return 0;
  }
  const auto value = static_cast<std::uint8_t>(left_.front());
  left_.remove_prefix(1);
  return value;
}

std::uint64_t Reader::varint() {
  const auto value = take_varint(left_);
  if (!value) fail();
  return value.value_or(0);
}

bool Reader::next(int& id, Type& type) {
  const std::uint8_t head = byte();
  if (failed_ || head == 0) {
    if (!last_.empty()) last_.pop_back();
    return false;
  }
  type = static_cast<Type>(head & 0x0f);
  id = static_cast<std::int16_t>((head >> 4) != 0 ? last_.back() + (head >> 4) : number());
  last_.back() = id;
  return !failed_;
}

std::int64_t Reader::number() { return unzigzag(varint()); }

std::string_view Reader::binary() {
  const std::uint64_t size = varint();
  if (size > left_.size()) {
    fail();
    return {};
  }
  const std::string_view bytes = left_.substr(0, size);
  left_.remove_prefix(size);
  return bytes;
}

std::size_t Reader::list(Type& of) {
  const std::uint8_t head = byte();
  of = static_cast<Type>(head & 0x0f);
  const std::uint64_t size = (head >> 4) == kLongList ? varint() : head >> 4;
  if (size > left_.size()) {  // no item takes less than a byte
    fail();
    return 0;
  }
  return static_cast<std::size_t>(size);
}

void Reader::skip(Type type) { skip(type, 0); }

void Reader::skip(Type type, int depth) {
  if (depth > kDepthMax) return fail();
  switch (type) {
    case Type::yes:
    case Type::no: break;
    case Type::byte: byte(); break;
    case Type::i16:
    case Type::i32:
    case Type::i64: varint(); break;
    case Type::real:
      for (int i = 0; i < 8; ++i) byte();
      break;
    case Type::binary: binary(); break;
    case Type::list: {
      Type of;
      for (std::size_t i = list(of); i > 0 && !failed_; --i)
        if (of == Type::yes || of == Type::no)
          byte();
        else
          skip(of, depth + 1);
      break;
    }
    case Type::object: {
      begin();
      int id;
      for (Type field; next(id, field);) skip(field, depth + 1);
      break;
    }
    default: fail();
  }
}

}  // namespace arbiter::snapshot::thrift
