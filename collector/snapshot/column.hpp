// The columns of a table, as the writers of column formats see them: what is in a row is asked for cell by cell.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace arbiter::snapshot {

enum class ColumnType : std::uint8_t {
  text,   // UTF-8
  real,   // double
  whole,  // signed 64-bit
  flag,   // 0 or 1
  time,   // Unix nanoseconds, UTC
};

// What stands in one place; its text stays as long as the row does.
struct Cell {
  bool there = false;
  std::string_view text = {};
  double real = 0;
  std::int64_t whole = 0;  // of whole, flag and time

  static Cell of(std::string_view text) { return {true, text}; }
  static Cell of(double real) { return {true, {}, real}; }
  static Cell of(std::int64_t whole) { return {true, {}, 0, whole}; }
  template <class T>
  static Cell of(const std::optional<T>& value) {
    return value ? of(static_cast<T>(*value)) : Cell();
  }
};

template <class Row>
struct Column {
  std::string_view name;
  ColumnType type;
  bool required;                               // there in every row
  Cell (*get)(const Row&);                     // of a list: `there`, and in `whole` the number of its items
  Cell (*item)(const Row&, std::size_t) = {};  // of a list; null: the column is none
  bool list() const { return item != nullptr; }
};

}  // namespace arbiter::snapshot
