#include "collector/aggregate/orphans.hpp"

#include <string>

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
  // Half empty at least: where one comes for each that goes, a fuller one is made anew every few thousand (what goes from a group that has
  // run over takes from what the map may hold).
  if (waiting_.max_load() < 2 * waiting_.size()) waiting_.reserve(3 * waiting_.size());
  if (!waiting_.insert_or_assign(id, orphan).second) return;
  order_.push_back(id);
  while (waiting_.size() > most_) {
    waiting_.erase(order_.front());
    order_.pop_front();
  }
  if (order_.size() > 2 * waiting_.size() + 64) std::erase_if(order_, [&](Id old) { return !waiting_.contains(old); });
}

std::optional<Orphans::Orphan> Orphans::take(const LaneId& lane, std::uint64_t sequence) {
  const auto at = waiting_.find(id_of(lane, sequence));
  if (at == waiting_.end()) return std::nullopt;
  const Orphan orphan = at->second;
  waiting_.erase(at);
  return orphan;
}

void Orphans::forget_series(std::uint32_t series) {
  boost::unordered::erase_if(waiting_, [series](const auto& item) { return item.second.series == series; });
}

void Orphans::clear() {
  waiting_.clear();
  order_.clear();
}

void Orphans::save(const std::function<void(std::string_view)>& out) const {
  std::string bytes;
  journal::Writer put(bytes);
  put.put(std::uint64_t{waiting_.size()});
  for (const Id id : order_) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) continue;
    put.put(id);
    put.put(std::uint64_t{at->second.series});
    put.put(at->second.time_ns);
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
