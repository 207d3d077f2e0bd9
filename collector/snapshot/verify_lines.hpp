// What the checks of files of lines have in common.
#pragma once

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "collector/snapshot/format.hpp"
#include "collector/snapshot/line_reader.hpp"
#include "collector/snapshot/verify_manifest.hpp"
#include "shm/schema.hpp"

namespace arbiter::snapshot {

inline constexpr std::size_t kRowDepthMax = schema::kJsonDepthMax + 8;

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "<32 hex>-<lane>-<sequence>", as event_id() writes it. The time of the key is not set.
std::optional<EventKey> parse_id(std::string_view id);

// The order of the events of a file, and of those that go on where it ends.
class Order {
 public:
  // What is wrong, or null.
  const char* next(const EventKey& key) {
    if (before_ && *before_ == key) return "is there twice";
    if (before_ && key < *before_) return "is out of order";
    before_ = key;
    return nullptr;
  }
  void reset() { before_.reset(); }

 private:
  std::optional<EventKey> before_;
};

std::string differ(std::string_view what, std::uint64_t found, std::uint64_t claimed);

// The rows of one file after another: the number of the line, and what is wrong.
class LineRows : public LineSink {
 public:
  // Nothing stays of a file that ended in the middle of a row, or was wrong.
  void begin_file(const FileInfo&) {
    file_rows_ = 0;
    wrong_.clear();
  }
  std::uint64_t file_rows() const { return file_rows_; }
  std::uint64_t rows() const { return rows_; }  // of all files
  const std::string& wrong() const { return wrong_; }

 protected:
  bool fail(std::string_view what) {
    wrong_ = "line " + std::to_string(file_rows_ + 1) + ": " + std::string(what);
    return false;
  }
  bool row_is_good() {
    ++rows_, ++file_rows_;
    return true;
  }

 private:
  std::uint64_t rows_ = 0, file_rows_ = 0;
  std::string wrong_;
};

// Gives the files of a format to rows of lines: begin_side(side) where a side of the split begins, and finish() at the end.
template <class Rows>
class LineCheck : public RowCheck {
 public:
  explicit LineCheck(const Claims& claims) : rows_(claims) {}

  Result<std::string> file(const CheckedFile& file, std::uint64_t& rows) override {
    if (!begun_ || file.claimed.side != side_) rows_.begin_side(file.claimed.side);
    begun_ = true;
    side_ = file.claimed.side;
    rows_.begin_file(file.claimed);
    auto wrong = read_lines(file.fd, file.compressed(), rows_);
    rows = rows_.file_rows();
    if (wrong && wrong->empty()) return {boost::system::in_place_value, rows_.wrong()};
    return wrong;
  }
  Result<std::string> finish() override { return rows_.finish(); }

 private:
  Rows rows_;
  bool begun_ = false;
  std::optional<Side> side_;
};

}  // namespace arbiter::snapshot
