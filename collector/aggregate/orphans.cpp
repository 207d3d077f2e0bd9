#include "collector/aggregate/orphans.hpp"

#include <string>

#include "collector/journal/wire.hpp"

namespace arbiter::aggregate {

void Orphans::add(const LaneId& lane, std::uint64_t sequence, const Orphan& orphan) {
  if (!waiting_.insert_or_assign(Id{lane, sequence}, orphan).second) return;
  order_.push_back({lane, sequence});
  let_go();
}

void Orphans::let_go() {
  while (waiting_.size() > most_) {
    waiting_.erase(order_.front());
    order_.pop_front();
  }
  while (!order_.empty() && !waiting_.contains(order_.front())) order_.pop_front();
  if (order_.size() > 2 * waiting_.size() + 64) std::erase_if(order_, [&](const Id& id) { return !waiting_.contains(id); });
}

std::optional<Orphans::Orphan> Orphans::take(const LaneId& lane, std::uint64_t sequence) {
  const auto at = waiting_.find(Id{lane, sequence});
  if (at == waiting_.end()) return std::nullopt;
  const Orphan orphan = at->second;
  waiting_.erase(at);
  return orphan;
}

void Orphans::forget_series(std::uint32_t series) {
  boost::unordered::erase_if(waiting_, [series](const auto& item) { return item.second.whom.series == series; });
}

void Orphans::clear() {
  waiting_.clear();
  order_.clear();
}

void Orphans::save(const std::function<void(std::string_view)>& out) const {
  std::string bytes;
  journal::Writer put(bytes);
  put.put(std::uint64_t{waiting_.size()});
  for (const Id& id : order_) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) continue;
    put.put(id.lane.segment);
    put.put(std::uint64_t{id.lane.lane});
    put.put(id.sequence);
    put.put(at->second.whom.agent);
    put.put(at->second.whom.series);
    put.put(at->second.time_ns);
  }
  out(bytes);
}

bool Orphans::load(std::string_view bytes, std::size_t series_size) {
  clear();
  journal::Reader in(bytes);
  constexpr std::size_t kBytes = 48;
  const auto count = in.get_count(kBytes);
  if (in.left() != count * kBytes) return false;
  for (std::uint64_t n = 0; n < count; ++n) {
    Id id;
    id.lane.segment = in.get<SegmentId>();
    id.lane.lane = static_cast<std::uint32_t>(in.get<std::uint64_t>());
    id.sequence = in.get<std::uint64_t>();
    Orphan orphan;
    orphan.whom.agent = in.get<std::uint32_t>();
    orphan.whom.series = in.get<std::uint32_t>();
    orphan.time_ns = in.get<std::int64_t>();
    if (orphan.whom.series != kNobody && orphan.whom.series >= series_size) return false;
    add(id.lane, id.sequence, orphan);
  }
  return in.good();
}

}  // namespace arbiter::aggregate
