#include "collector/aggregate/orphans.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "collector/journal/wire.hpp"

namespace arbiter::aggregate {

// The segment's id is random; what is added to it is spread over all bits (the finalizer of MurmurHash3).
Orphans::Id Orphans::id_of(const LaneId& lane, std::uint64_t sequence) {
  std::uint64_t words[2];
  std::memcpy(words, lane.segment.data(), sizeof words);
  std::uint64_t id = words[0] ^ (words[1] + sequence * 0x9e3779b97f4a7c15ULL) ^ std::uint64_t{lane.lane} << 48;
  id = (id ^ id >> 33) * 0xff51afd7ed558ccdULL;
  id = (id ^ id >> 33) * 0xc4ceb9fe1a85ec53ULL;
  return id ^ id >> 33;
}

void Orphans::add(const LaneId& lane, std::uint64_t sequence, const Orphan& orphan) { add(id_of(lane, sequence), orphan); }

void Orphans::add(Id id, const Orphan& orphan) {
  lines_.push_back({id, orphan});
  ++size_;
  while (lines_.size() > most_) let_go_of_oldest();
}

void Orphans::let_go_of_oldest() {
  const Line& oldest = lines_.front();
  if (oldest.orphan.series != kNobody) --size_;
  if (first_ < indexed_) index_.erase(oldest.id);
  lines_.pop_front();
  ++first_;
}

void Orphans::index_all() {
  for (indexed_ = std::max(indexed_, first_); indexed_ < first_ + lines_.size(); ++indexed_) {
    // Half empty at least: where one comes for each that goes, a fuller one is made anew every few thousand (what goes from a group that
    // has run over takes from what the map may hold).
    if (index_.max_load() < 2 * index_.size()) index_.reserve(3 * index_.size());
    index_.insert_or_assign(lines_[indexed_ - first_].id, indexed_);
  }
}

std::optional<Orphans::Orphan> Orphans::take(const LaneId& lane, std::uint64_t sequence) {
  index_all();
  const auto at = index_.find(id_of(lane, sequence));
  if (at == index_.end()) return std::nullopt;
  const Orphan orphan = std::exchange(lines_[at->second - first_].orphan, {});
  index_.erase(at);
  if (orphan.series == kNobody) return std::nullopt;
  --size_;
  return orphan;
}

void Orphans::forget_series(std::uint32_t series) {
  for (Line& line : lines_) {
    if (line.orphan.series != series) continue;
    line.orphan = {};
    --size_;
  }
}

void Orphans::clear() {
  index_.clear();
  lines_.clear();
  first_ = indexed_ = size_ = 0;
}

void Orphans::save(const std::function<void(std::string_view)>& out) const {
  std::string bytes;
  journal::Writer put(bytes);
  put.put(std::uint64_t{size_});
  for (const auto& [id, orphan] : lines_) {
    if (orphan.series == kNobody) continue;
    put.put(id);
    put.put(std::uint64_t{orphan.series});
    put.put(orphan.time_ns);
  }
  out(bytes);
}

bool Orphans::load(std::string_view bytes, std::size_t series_size) {
  clear();
  journal::Reader in(bytes);
  constexpr std::size_t kBytes = 3 * sizeof(std::uint64_t);
  const auto count = in.get_count(kBytes);
  if (in.left() != count * kBytes) return false;
  for (std::uint64_t n = 0; n < count; ++n) {
    const auto id = in.get<Id>();
    const auto series = in.get<std::uint64_t>();
    const auto time_ns = in.get<std::int64_t>();
    if (series >= series_size) return false;
    add(id, {static_cast<std::uint32_t>(series), time_ns});
  }
  return in.good();
}

}  // namespace arbiter::aggregate
