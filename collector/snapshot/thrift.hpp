// Thrift's compact protocol, as far as the metadata of a Parquet file needs it.
//
//   field    1 byte: what its id is above that of the field before it (1..15), times 16, plus the type
//   number   zigzag, 7 bits a byte, the lowest first, the eighth bit set in all but the last
//   binary   its length as such a number without zigzag, its bytes
//   list     1 byte: its size (below 15) times 16, plus the type of its items; else 15 * 16 plus that, and the size
//   struct   its fields, a byte 0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace arbiter::snapshot::thrift {

enum class Type : std::uint8_t {
  stop = 0,
  yes = 1,
  no = 2,
  byte = 3,
  i16 = 4,
  i32 = 5,
  i64 = 6,
  real = 7,
  binary = 8,
  list = 9,
  object = 12
};

void append_varint(std::string& out, std::uint64_t value);
std::optional<std::uint64_t> take_varint(std::string_view& bytes);  // nothing: it does not end, or not within 64 bits

// Writes one struct, fields in the order of their ids.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void boolean(int id, bool value) { field(id, value ? Type::yes : Type::no); }
  void i32(int id, std::int64_t value) { number(id, Type::i32, value); }
  void i64(int id, std::int64_t value) { number(id, Type::i64, value); }
  void binary(int id, std::string_view bytes);
  void begin_object(int id);
  void end_object();
  // Its items follow: item_*, or begin_item and end_object around each struct.
  void list(int id, Type of, std::size_t size);
  void item_i32(std::int64_t value);
  void item_binary(std::string_view bytes);
  void begin_item() { last_.push_back(0); }
  void end() { out_ += '\0'; }  // of the whole

 private:
  void field(int id, Type type);
  void number(int id, Type type, std::int64_t value);

  std::string& out_;
  std::vector<int> last_ = {0};  // id of the last field, of each open struct
};

// Reads what anybody may have written: nothing is believed, and nothing read beyond the end. After the first fault everything reads as
// empty, and failed() says so.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}
  bool failed() const { return failed_; }
  std::size_t bytes_left() const { return left_.size(); }

  void begin() { last_.push_back(0); }  // a struct: the whole, an item of a list, or a field of that type
  bool next(int& id, Type& type);       // its next field; false: it has ended
  std::int64_t number();                // of i16, i32, i64
  std::string_view binary();
  std::size_t list(Type& of);  // number of its items
  void skip(Type type);        // a field that is not of interest

 private:
  std::uint64_t varint();
  std::uint8_t byte();
  void skip(Type type, int depth);
  void fail();

  std::string_view left_;
  bool failed_ = false;
  std::vector<int> last_;
};

}  // namespace arbiter::snapshot::thrift
