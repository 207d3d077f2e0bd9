#include "collector/snapshot/npy.hpp"

#include <charconv>

namespace arbiter::snapshot::npy {
namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kLengthBytes = 2, kAlignment = 64;
constexpr std::string_view kBegin = "{'descr': [", kMiddle = "], 'fortran_order': False, 'shape': (", kEnd = ",), }";

// Takes what must come next.
class Cursor {
 public:
  explicit Cursor(std::string_view left) : left_(left) {}
  bool take(std::string_view text) {
    if (!left_.starts_with(text)) return false;
    left_.remove_prefix(text.size());
    return true;
  }
  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (error != std::errc()) return std::nullopt;
    left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
    return value;
  }
  std::string_view until(char mark) {
    const std::string_view text = left_.substr(0, left_.find(mark));
    left_.remove_prefix(text.size());
    return text;
  }
  std::string_view left() const { return left_; }

 private:
  std::string_view left_;
};

// Bytes of a value of this type; 0: it is none of ours.
std::uint64_t bytes_of(std::string_view type) {
  if (type == "<f8" || type == "<i8" || type == "<M8[ns]") return 8;
  if (type == "|i1") return 1;
  Cursor text(type);
  constexpr std::uint64_t text_bytes_max = 1 << 20;
  if (!text.take("|S")) return 0;
  const auto width = text.number();
  return width && *width <= text_bytes_max && text.left().empty() ? *width : 0;
}

}  // namespace

std::string header(std::span<const Field> fields, std::uint64_t rows) {
  std::string text(kBegin);
  for (const Field& field : fields) text += "('" + field.name + "', '" + field.type + "'), ";
  text.append(kMiddle).append(std::to_string(rows)).append(kEnd);
  const std::size_t before = kMagic.size() + kLengthBytes;
  text.append(kAlignment - 1 - (before + text.size()) % kAlignment, ' ');
  text += '\n';
  std::string out(kMagic);
  out += static_cast<char>(text.size() & 0xff);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

std::optional<Claimed> read_header(std::string_view begin) {
  if (!begin.starts_with(kMagic) || begin.size() < kMagic.size() + kLengthBytes) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(begin[i])); };
  const std::size_t bytes = byte(kMagic.size()) | byte(kMagic.size() + 1) << 8;
  begin.remove_prefix(kMagic.size() + kLengthBytes);
  if (begin.size() < bytes) return std::nullopt;
  Claimed claimed;
  claimed.header_bytes = kMagic.size() + kLengthBytes + bytes;
  Cursor text(begin.substr(0, bytes));
  if (!text.take(kBegin)) return std::nullopt;
  while (text.take("('")) {
    text.until('\'');
    if (!text.take("', '")) return std::nullopt;
    const std::uint64_t width = bytes_of(text.until('\''));
    if (width == 0 || !text.take("'), ")) return std::nullopt;
    claimed.row_bytes += width;
  }
  if (!text.take(kMiddle)) return std::nullopt;
  const auto rows = text.number();
  if (!rows || !text.take(kEnd) || claimed.row_bytes == 0) return std::nullopt;
  claimed.rows = *rows;
  return claimed;
}

}  // namespace arbiter::snapshot::npy
