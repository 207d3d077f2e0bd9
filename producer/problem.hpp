// What is in the way of a lane, in words, put together without allocating.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace arbiter::producer {

class Problem {
 public:
  void clear() noexcept { size_ = 0; }
  // The parts behind each other, as many characters as fit.
  void say(std::initializer_list<std::string_view> parts) noexcept {
    size_ = 0;
    for (const std::string_view part : parts) {
      const std::size_t taken = std::min(part.size(), text_.size() - size_);
      std::copy_n(part.data(), taken, text_.data() + size_);
      size_ += taken;
    }
  }
  std::string_view text() const noexcept { return {text_.data(), size_}; }

  // The text of an errno value. strerror() may translate, and allocate.
  static std::string_view of(int code) noexcept {
    const char* const text = strerrordesc_np(code);
    return text == nullptr ? "unknown error" : text;
  }

 private:
  std::array<char, 1024> text_;
  std::size_t size_ = 0;
};

}  // namespace arbiter::producer
