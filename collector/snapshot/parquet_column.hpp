// The values of one column in one row group, gathered until they are written.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/snapshot/column.hpp"
#include "collector/snapshot/parquet_dictionary.hpp"

namespace arbiter::snapshot::parquet {

struct ColumnSpec {
  std::string name;
  ColumnType type;
  bool required;  // of a list, its items never are
  bool list;

  // What there is besides the value: 0 nothing known, up to this where there is a value. A list: 0 is an empty one, 1 an unknown item.
  std::uint32_t definition_max() const { return list ? 2 : required ? 0 : 1; }
};

class ColumnValues {
 public:
  // A dictionary of more than this is none: the texts are then written one behind the other.
  static constexpr std::size_t kDictionaryBytesMax = 256 << 10;

  explicit ColumnValues(const ColumnSpec& spec) : spec_(spec), definition_max_(spec.definition_max()) {}

  void add(const Cell& cell) {  // of a column that is no list
    levels(cell.there ? definition_max_ : 0, 0);
    if (cell.there)
      value(cell);
    else
      ++unknown_;
  }
  void add_empty_list() { levels(0, 0); }
  void add_item(const Cell& item, bool first);  // of a list
  void clear();

  std::size_t bytes() const;                      // in memory, about
  std::uint64_t count() const { return count_; }  // values, unknown ones and empty lists included
  std::uint64_t unknown() const { return unknown_; }
  bool dictionary() const { return dictionary_.entries() != 0; }
  std::uint32_t dictionary_entries() const { return dictionary_.entries(); }

  const std::string& dictionary_page() const { return dictionary_.page(); }
  // Levels and values, as they stand in a page before compression; in `room`, where they do not stand like that already.
  std::string_view data_page(std::string& room) const;

  // The smallest and the largest value, as Parquet's statistics write them. Nothing: there is no value, or they are too long to be of use.
  struct Extremes {
    std::string smallest, largest;
  };
  std::optional<Extremes> extremes() const;

 private:
  void levels(std::uint32_t definition, std::uint32_t repetition) {
    ++count_;
    if (definition_max_ != 0) definitions_.push_back(definition);
    if (spec_.list) repetitions_.push_back(repetition);
  }
  void value(const Cell& cell);
  void text(std::string_view text);
  void widen(std::string_view text);  // smallest and largest
  void give_up_dictionary();
  std::string_view plain() const;  // values of numbers and texts

  ColumnSpec spec_;
  std::uint32_t definition_max_;
  std::uint64_t count_ = 0, unknown_ = 0;
  std::vector<std::uint32_t> definitions_, repetitions_;
  std::vector<std::uint64_t> numbers_;  // values of real, whole and time, by their bits
  std::string plain_;                   // values of text without a dictionary
  std::vector<std::uint32_t> flags_;    // values of a flag
  bool plain_texts_ = false;            // the dictionary was given up
  Dictionary dictionary_;
  std::vector<std::uint32_t> indices_;
  bool some_ = false;
  std::int64_t smallest_ = 0, largest_ = 0;
  double smallest_real_ = 0, largest_real_ = 0;
  bool some_text_ = false;  // of texts without a dictionary
  std::string smallest_text_, largest_text_;
};

}  // namespace arbiter::snapshot::parquet
