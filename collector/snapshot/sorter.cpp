#include "collector/snapshot/sorter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace arbiter::snapshot {
namespace {

struct Lengths {
  std::uint32_t key, payload;
  std::size_t record_bytes() const { return sizeof(Lengths) + key + payload; }
};

Lengths lengths_at(const char* at) {
  Lengths lengths;
  std::memcpy(&lengths, at, sizeof lengths);
  return lengths;
}

std::uint64_t prefix_of(std::string_view key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) prefix = prefix << 8 | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0u);
  return prefix;
}

Result<std::shared_ptr<journal::File>> open_unnamed(const std::string& directory) {
  int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system that has none without a name
    std::string name = directory + "/.sorting-XXXXXX";
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
  }
  if (fd < 0) return system_error("temporary file in " + directory);
  return std::make_shared<journal::File>(fd);
}

}  // namespace

// Reads one run from the file, record by record.
class Sorter::RunReader {
 public:
  RunReader(std::shared_ptr<journal::File> file, std::shared_ptr<const crypt::Scratch> scratch, Run run, std::size_t buffer_bytes)
      : file_(std::move(file)), scratch_(std::move(scratch)), at_(run.begin), end_(run.end) {
    buffer_.resize(buffer_bytes);
  }

  // To the first or next record; false at the end.
  Result<bool> next() {
    begin_ += record_bytes_;
    record_bytes_ = 0;
    if (auto ok = fill(sizeof(Lengths)); !ok) return ok.error();
    if (filled_ == begin_) return false;
    const Lengths lengths = lengths_at(buffer_.data() + begin_);
    if (auto ok = fill(lengths.record_bytes()); !ok) return ok.error();
    const char* record = buffer_.data() + begin_;
    key_ = {record + sizeof lengths, lengths.key};
    payload_ = {record + sizeof lengths + lengths.key, lengths.payload};
    record_bytes_ = lengths.record_bytes();
    return true;
  }
  std::string_view key() const { return key_; }
  std::string_view payload() const { return payload_; }

 private:
  // Sees to it that `bytes` from begin_ on are in the buffer; at the end of the run there may be none at all.
  Result<void> fill(std::size_t bytes) {
    if (filled_ - begin_ >= bytes) return {};
    if (filled_ == begin_ && at_ == end_) return {};
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    filled_ -= begin_;
    begin_ = 0;
    if (buffer_.size() < bytes) buffer_.resize(bytes);
    const std::size_t want = std::min<std::uint64_t>(buffer_.size() - filled_, end_ - at_);
    const std::span<std::byte> room(reinterpret_cast<std::byte*>(buffer_.data()) + filled_, want);
    const auto got = file_->read(room, at_);
    if (!got) return got.error();
    if (scratch_ != nullptr) scratch_->apply(room.first(*got), at_);
    at_ += *got;
    filled_ += *got;
    if (filled_ < bytes) return Error{"temporary file of an export: shorter than what was written to it"};
    return {};
  }

  std::shared_ptr<journal::File> file_;
  std::shared_ptr<const crypt::Scratch> scratch_;
  std::uint64_t at_, end_;
  std::string buffer_;
  std::size_t begin_ = 0, filled_ = 0, record_bytes_ = 0;
  std::string_view key_, payload_;
};

Sorter::Sorter(Place place, std::size_t memory_bytes) : directory_(std::move(place.directory)), memory_bytes_(memory_bytes) {
  if (place.cipher != nullptr) scratch_ = std::make_shared<crypt::Scratch>();
}
Sorter::~Sorter() = default;

Result<void> Sorter::add(std::string_view key, std::string_view payload) {
  const Lengths lengths{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(payload.size())};
  if (!entries_.empty() && memory_.size() + lengths.record_bytes() + (entries_.size() + 1) * sizeof(Entry) > memory_bytes_)
    if (auto ok = spill(); !ok) return ok;
  // At once, so that growing does not take as much again; what is not written to is not there yet.
  if (memory_.capacity() < memory_bytes_) memory_.reserve(memory_bytes_);
  entries_.push_back({prefix_of(key), memory_.size()});
  if (entries_.back().prefix < settled_) return Error{"an export met an event of an earlier time than its block: look at the disk"};
  memory_.append(reinterpret_cast<const char*>(&lengths), sizeof lengths);
  memory_.append(key);
  memory_.append(payload);
  return {};
}

std::string_view Sorter::key_at(std::size_t at) const {
  return {memory_.data() + at + sizeof(Lengths), lengths_at(memory_.data() + at).key};
}

void Sorter::sort_memory() {
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = key_at(a.at).compare(key_at(b.at));
    return order != 0 ? order < 0 : a.at < b.at;
  });
}

Result<void> Sorter::settle(std::string_view bound, const Take& take) {
  // Not for a few: what stays is sorted and copied anew each time.
  if (!runs_.empty() || memory_.size() < 2 * bytes_left_) return {};
  sort_memory();
  settled_ = prefix_of(bound);
  std::size_t below = 0;
  for (; below < entries_.size() && entries_[below].prefix < settled_; ++below) {
    const char* const record = memory_.data() + entries_[below].at;
    const Lengths lengths = lengths_at(record);
    if (auto ok = take({record + sizeof lengths, lengths.key}, {record + sizeof lengths + lengths.key, lengths.payload}); !ok) return ok;
  }
  forget(below);
  bytes_left_ = memory_.size();
  return {};
}

// The first of them.
void Sorter::forget(std::size_t entries) {
  kept_.clear();
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(entries));
  for (Entry& entry : entries_) {
    const std::size_t at = kept_.size();
    kept_.append(memory_, entry.at, lengths_at(memory_.data() + entry.at).record_bytes());
    entry.at = at;
  }
  memory_.assign(kept_);
}

Result<void> Sorter::spill() {
  sort_memory();
  if (file_ == nullptr) {
    auto file = open_unnamed(directory_);
    if (!file) return file.error();
    file_ = std::move(*file);
  }
  constexpr std::size_t write_bytes = 1 << 20;
  const std::uint64_t begin = file_end_;
  std::string out;
  const auto flush = [&]() -> Result<void> {
    if (scratch_ != nullptr) scratch_->apply(std::as_writable_bytes(std::span(out)), file_end_);
    if (auto ok = file_->write(journal::bytes_of(out), file_end_); !ok) return ok.error().while_("temporary file in " + directory_);
    file_end_ += out.size();
    out.clear();
    return {};
  };
  for (const Entry& entry : entries_) {
    out.append(memory_, entry.at, lengths_at(memory_.data() + entry.at).record_bytes());
    if (out.size() < write_bytes) continue;
    if (auto ok = flush(); !ok) return ok;
  }
  if (auto ok = flush(); !ok) return ok;
  runs_.push_back({begin, file_end_});
  memory_.clear();
  entries_.clear();
  return {};
}

Result<void> Sorter::begin_reading() {
  reading_ = true;
  if (runs_.empty()) {
    sort_memory();
    return {};
  }
  if (!entries_.empty())
    if (auto ok = spill(); !ok) return ok;
  // Merging takes its own: give this back. (Assigning {} would keep it.)
  std::string().swap(memory_);
  std::vector<Entry>().swap(entries_);
  const std::size_t buffer_bytes = std::clamp<std::size_t>(memory_bytes_ / runs_.size(), 16 << 10, 1 << 20);
  for (const Run& run : runs_) {
    readers_.push_back(std::make_unique<RunReader>(file_, scratch_, run, buffer_bytes));
    const auto there = readers_.back()->next();
    if (!there) return there.error();
    heap_.push_back(readers_.size() - 1);  // no run is empty
  }
  std::make_heap(heap_.begin(), heap_.end(), [this](std::size_t a, std::size_t b) { return comes_later(a, b); });
  return {};
}

// Runs were written in the order of adding: of equal keys, that of the earlier run comes first.
bool Sorter::comes_later(std::size_t a, std::size_t b) const {
  const int order = readers_[a]->key().compare(readers_[b]->key());
  return order != 0 ? order > 0 : a > b;
}

Result<bool> Sorter::next(std::string_view& key, std::string_view& payload) {
  if (!reading_)
    if (auto ok = begin_reading(); !ok) return ok.error();
  return runs_.empty() ? next_in_memory(key, payload) : next_merged(key, payload);
}

Result<bool> Sorter::next_in_memory(std::string_view& key, std::string_view& payload) {
  if (read_ == entries_.size()) return false;
  const char* record = memory_.data() + entries_[read_++].at;
  const Lengths lengths = lengths_at(record);
  key = {record + sizeof lengths, lengths.key};
  payload = {record + sizeof lengths + lengths.key, lengths.payload};
  return true;
}

Result<bool> Sorter::next_merged(std::string_view& key, std::string_view& payload) {
  const auto later = [this](std::size_t a, std::size_t b) { return comes_later(a, b); };
  if (advance_front_) {
    // The reader whose record was handed out goes on only now, so that the views stayed.
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const auto more = readers_[heap_.back()]->next();
    if (!more) return more.error();
    if (*more) {
      std::push_heap(heap_.begin(), heap_.end(), later);
    } else {
      readers_[heap_.back()].reset();
      heap_.pop_back();
    }
  }
  advance_front_ = !heap_.empty();
  if (heap_.empty()) return false;
  key = readers_[heap_.front()]->key();
  payload = readers_[heap_.front()]->payload();
  return true;
}

}  // namespace arbiter::snapshot
