#include "collector/snapshot/writers.hpp"

#include <algorithm>
#include <cstdio>

namespace arbiter::snapshot {
namespace {

std::string twelve_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return digits.size() < 12 ? std::string(12 - digits.size(), '0') + digits : digits;
}

}  // namespace

std::string data_file_name(std::string_view format, std::optional<Side> side, std::optional<std::pair<std::uint64_t, std::uint64_t>> rows) {
  const std::size_t dot = format.find('.');
  std::string name(format.substr(0, dot));
  if (side) name.append("-").append(side_name(*side));
  if (rows) name.append("-").append(twelve_digits(rows->first)).append("-").append(twelve_digits(rows->second));
  return name.append(format.substr(dot));
}

Parts::Parts(const FormatInfo& format, Place place, std::optional<Side> side, std::optional<std::uint64_t> file_bytes)
    : format_(&format), place_(std::move(place)), side_(side) {
  if (!format.one_file) file_bytes_ = file_bytes;
}

// Of a bounded one the last row is not known yet: none has the same first.
std::string Parts::building_name() const {
  if (!file_bytes_) return data_file_name(format_->name, side_);
  return data_file_name(format_->name, side_, std::pair(first_row_, first_row_));
}

Result<void> Parts::begin() {
  if (writer_ != nullptr) return {};
  first_row_ = rows_;
  writer_ = format_->make(building_name());
  return writer_->begin(place_);
}

Result<void> Parts::end_row() {
  ++rows_;
  return file_bytes_ && writer_->bytes() >= *file_bytes_ ? end_file() : Result<void>();
}

Result<void> Parts::end_file() {
  auto file = writer_->finish();
  writer_.reset();
  if (!file) return file.error();
  if (file->name != format_->name) file->format = format_->name;
  file->side = side_;
  if (file_bytes_) {
    file->first_row = first_row_;
    // Formats may leave rows out: the name counts those that came.
    const std::string name = data_file_name(format_->name, side_, std::pair(first_row_, rows_));
    const std::string stored_name = name + file->stored_name.substr(file->name.size());
    const std::string from = place_.directory + "/" + file->stored_name, to = place_.directory + "/" + stored_name;
    if (name != file->name && std::rename(from.c_str(), to.c_str()) != 0) return system_error("renaming " + from);
    file->name = name;
    file->stored_name = stored_name;
  }
  done_.push_back(std::move(*file));
  return {};
}

Result<void> Parts::finish(std::vector<FileInfo>& files) {
  if (writer_ != nullptr)
    if (auto ok = end_file(); !ok) return ok;
  for (FileInfo& file : done_) files.push_back(std::move(file));
  return {};
}

Result<Writers> Writers::begin(const std::vector<const FormatInfo*>& chosen, const Place& place, bool split,
                               std::optional<std::uint64_t> file_bytes) {
  Writers writers;
  for (const FormatInfo* format : chosen) {
    Each& each = writers.all_.emplace_back(Each{format, {}});
    if (split && format->rows != Rows::places)
      for (const Side side : kBothSides) each.sides.emplace_back(*format, place, side, file_bytes);
    else
      each.sides.emplace_back(*format, place, std::nullopt, file_bytes);
    for (Parts& parts : each.sides)
      if (auto ok = parts.begin(); !ok) return ok.error();
  }
  return writers;
}

bool Writers::any(Rows rows) const {
  return std::any_of(all_.begin(), all_.end(), [rows](const Each& each) { return each.format->rows == rows; });
}

Result<void> Writers::decisions(const DecisionTotals& totals) {
  for (Each& each : all_) {
    if (each.format->rows != Rows::decisions) continue;
    DecisionTotals its = totals;
    for (std::size_t i = 0; i < each.sides.size(); ++i) {
      if (each.sides.size() > 1) its.rows = totals.rows_by_side[i];
      if (auto ok = each.sides[i].writer().decisions(its); !ok) return ok;
    }
  }
  return {};
}

Result<void> Writers::finish(std::vector<FileInfo>& files) {
  for (Each& each : all_)
    for (Parts& parts : each.sides)
      if (auto ok = parts.finish(files); !ok) return ok;
  return {};
}

}  // namespace arbiter::snapshot
