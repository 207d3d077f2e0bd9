// Numbers in few bytes, for figures that are kept by the thousand: whole numbers seven bits to a byte, reals without the zero bytes they
// end in. The reader trusts nothing: past the end, or out of form, it gives zeros and is no longer good().
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace arbiter::aggregate {

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out) {}
  void whole(std::uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  // Sums of whole numbers and of halves have few digits: their last bytes are zeros.
  void real(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const int bytes = bits == 0 ? 0 : 8 - std::countr_zero(bits) / 8;
    out_.push_back(static_cast<char>(bytes));
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<char>(bits >> (56 - 8 * i)));
  }
  void text(std::string_view bytes) {
    whole(bytes.size());
    out_.append(bytes);
  }

 private:
  std::string& out_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : left_(bytes) {}
  std::uint64_t whole() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = next();
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
    good_ = false;
    return 0;
  }
  double real() {
    const unsigned bytes = next();
    if (bytes > 8) good_ = false;
    std::uint64_t bits = 0;
    for (unsigned i = 0; good_ && i < bytes; ++i) bits |= std::uint64_t{next()} << (56 - 8 * i);
    return std::bit_cast<double>(bits);
  }
  std::string_view text() {
    const std::uint64_t size = whole();
    if (size > left_.size()) good_ = false;
    if (!good_) return {};
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }
  std::size_t left() const { return left_.size(); }
  bool good() const { return good_; }

 private:
  unsigned next() {
    if (left_.empty()) good_ = false;
    if (!good_) return 0;
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  std::string_view left_;
  bool good_ = true;
};

}  // namespace arbiter::aggregate
