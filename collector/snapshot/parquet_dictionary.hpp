// The texts of a column that repeat, each once.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace arbiter::snapshot::parquet {

class Dictionary {
 public:
  // The number of the text, which is added if it is not there.
  std::uint32_t index_of(std::string_view text) {
    // Of words that hardly change, and of rows that were sorted: the same again.
    if (last_ < entries() && this->text(last_) == text) return last_;
    if (2 * (entries() + 1) > slots_.size()) grow();
    const auto hash = static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
    std::size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      const std::uint32_t there = slots_[slot] - 1;
      if (hashes_[there] == hash && this->text(there) == text) return last_ = there;
    }
    last_ = entries();
    slots_[slot] = last_ + 1;
    hashes_.push_back(hash);
    offsets_.push_back(static_cast<std::uint32_t>(page_.size()));
    const auto bytes = static_cast<std::uint32_t>(text.size());
    page_.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    page_ += text;
    return last_;
  }

  std::uint32_t entries() const { return static_cast<std::uint32_t>(offsets_.size()); }
  const std::string& page() const { return page_; }  // as PLAIN writes them: 4 bytes length, bytes
  std::string_view text(std::uint32_t index) const { return plain(index).substr(sizeof(std::uint32_t)); }
  std::string_view plain(std::uint32_t index) const {
    const std::size_t end = index + 1 < entries() ? offsets_[index + 1] : page_.size();
    return std::string_view(page_).substr(offsets_[index], end - offsets_[index]);
  }
  void clear() {
    page_.clear();
    offsets_.clear();
    hashes_.clear();
    slots_.assign(slots_.size(), 0);
    last_ = 0;
  }

 private:
  void grow() {
    slots_.assign(slots_.empty() ? 64 : 2 * slots_.size(), 0);
    for (std::uint32_t i = 0; i < entries(); ++i) {
      std::size_t slot = hashes_[i] & (slots_.size() - 1);
      while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = i + 1;
    }
  }

  std::string page_;
  std::vector<std::uint32_t> offsets_, hashes_;  // of each entry
  std::vector<std::uint32_t> slots_;             // its number and 1; 0: free. At most half of them are taken
  std::uint32_t last_ = 0;
};

}  // namespace arbiter::snapshot::parquet
