#include "collector/snapshot/parquet_column.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "collector/snapshot/parquet_levels.hpp"

namespace arbiter::snapshot::parquet {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is little-endian, and so are we");

constexpr std::size_t kExtremeBytesMax = 64;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
std::string bytes_of(T value) {
  std::string out;
  put(out, value);
  return out;
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

// Behind their length, as data pages of version 1 have them.
void put_levels(std::string& out, std::span<const std::uint32_t> levels, std::uint32_t most) {
  std::string encoded;
  append_hybrid(encoded, levels, width_of(most));
  put_text(out, encoded);
}

}  // namespace

void ColumnValues::add_item(const Cell& item, bool first) {
  levels(item.there ? 2 : 1, first ? 0 : 1);
  if (item.there)
    value(item);
  else
    ++unknown_;
}

void ColumnValues::value(const Cell& cell) {
  const bool first = !some_;
  some_ = true;
  switch (spec_.type) {
    case ColumnType::text: return text(cell.text);
    case ColumnType::real:
      if (first || cell.real < smallest_real_) smallest_real_ = cell.real;
      if (first || cell.real > largest_real_) largest_real_ = cell.real;
      numbers_.push_back(std::bit_cast<std::uint64_t>(cell.real));
      return;
    case ColumnType::flag: flags_.push_back(cell.whole != 0 ? 1u : 0u); break;
    case ColumnType::whole:
    case ColumnType::time: numbers_.push_back(static_cast<std::uint64_t>(cell.whole)); break;
  }
  if (first || cell.whole < smallest_) smallest_ = cell.whole;
  if (first || cell.whole > largest_) largest_ = cell.whole;
}

void ColumnValues::text(std::string_view text) {
  if (plain_texts_) {
    widen(text);
    return put_text(plain_, text);
  }
  indices_.push_back(dictionary_.index_of(text));
  if (dictionary_.page().size() > kDictionaryBytesMax) give_up_dictionary();
}

void ColumnValues::widen(std::string_view text) {
  if (!some_text_ || text < smallest_text_) smallest_text_ = text;
  if (!some_text_ || text > largest_text_) largest_text_ = text;
  some_text_ = true;
}

void ColumnValues::give_up_dictionary() {
  plain_texts_ = true;
  for (std::uint32_t i = 0; i < dictionary_.entries(); ++i) widen(dictionary_.text(i));
  for (const std::uint32_t index : indices_) plain_ += dictionary_.plain(index);
  dictionary_.clear();
  indices_.clear();
}

std::size_t ColumnValues::bytes() const {
  return plain_.size() + 8 * numbers_.size() + dictionary_.page().size() +
         4 * (flags_.size() + indices_.size() + definitions_.size() + repetitions_.size());
}

std::string_view ColumnValues::plain() const {
  if (spec_.type == ColumnType::text) return plain_;
  return {reinterpret_cast<const char*>(numbers_.data()), numbers_.size() * sizeof numbers_[0]};
}

std::string_view ColumnValues::data_page(std::string& out) const {
  if (definition_max_ == 0 && !dictionary() && spec_.type != ColumnType::flag) return plain();
  out.clear();
  if (spec_.list) put_levels(out, repetitions_, 1);
  if (definition_max_ != 0) put_levels(out, definitions_, definition_max_);
  if (dictionary()) {
    const unsigned width = width_of(dictionary_entries() - 1);
    out += static_cast<char>(width);
    append_hybrid(out, indices_, width);
  } else if (spec_.type == ColumnType::flag) {
    for (std::size_t i = 0; i < flags_.size(); ++i) {
      if (i % 8 == 0) out += '\0';
      out.back() = static_cast<char>(out.back() | static_cast<char>(flags_[i] << i % 8));
    }
  } else {
    out += plain();
  }
  return out;
}

std::optional<ColumnValues::Extremes> ColumnValues::extremes() const {
  if (!some_) return std::nullopt;
  switch (spec_.type) {
    case ColumnType::text: {
      std::string_view smallest = smallest_text_, largest = largest_text_;
      for (std::uint32_t i = 0; i < dictionary_.entries(); ++i) {
        const std::string_view text = dictionary_.text(i);
        if (i == 0 || text < smallest) smallest = text;
        if (i == 0 || text > largest) largest = text;
      }
      if (smallest.size() > kExtremeBytesMax || largest.size() > kExtremeBytesMax) return std::nullopt;
      return Extremes{std::string(smallest), std::string(largest)};
    }
    case ColumnType::real:
      // Readers may tell -0 from 0: as the format wants it, the smallest is then -0 and the largest 0.
      return Extremes{bytes_of(smallest_real_ == 0 ? -0.0 : smallest_real_), bytes_of(largest_real_ == 0 ? 0.0 : largest_real_)};
    case ColumnType::flag: return Extremes{std::string(1, static_cast<char>(smallest_)), std::string(1, static_cast<char>(largest_))};
    case ColumnType::whole:
    case ColumnType::time: break;
  }
  return Extremes{bytes_of(smallest_), bytes_of(largest_)};
}

// Its room stays: the next row group takes as much.
void ColumnValues::clear() {
  count_ = unknown_ = 0;
  definitions_.clear();
  repetitions_.clear();
  plain_.clear();
  numbers_.clear();
  flags_.clear();
  plain_texts_ = some_ = some_text_ = false;
  dictionary_.clear();
  indices_.clear();
}

}  // namespace arbiter::snapshot::parquet
