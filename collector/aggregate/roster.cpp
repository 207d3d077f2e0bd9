#include "collector/aggregate/roster.hpp"

#include <algorithm>

#include "collector/aggregate/subject.hpp"
#include "collector/journal/task_filter.hpp"
#include "collector/journal/wire.hpp"
#include "collector/journal/xxh3.hpp"

namespace arbiter::aggregate {
namespace {

using event::Text;
using event::Values;

// A name as it is stored, in one string: whether it is a hash, then its bytes.
class Key {
 public:
  explicit Key(const Text& name) : size_(1 + name.size) {
    char* to = small_.data();
    if (size_ > small_.size()) {  // no id is as long
      large_.resize(size_);
      to = large_.data();
    }
    to[0] = name.hashed ? 'h' : 't';
    if (name.size != 0) std::memcpy(to + 1, name.data, name.size);
  }
  std::string_view view() const { return {large_.empty() ? small_.data() : large_.data(), size_}; }

 private:
  std::array<char, 256> small_;  // not set to anything
  std::string large_;
  std::size_t size_;
};

}  // namespace

std::size_t Roster::Hash::operator()(std::string_view name) const { return XXH3_64bits(name.data(), name.size()); }

Roster::Roster(std::uint64_t agents_max) : agents_max_(agents_max) {}

std::uint32_t Roster::new_agent(std::string name, std::string key) {
  std::uint32_t number = static_cast<std::uint32_t>(agents_.size());
  if (free_agents_.empty()) {
    agents_.emplace_back();
  } else {
    number = free_agents_.back();
    free_agents_.pop_back();
  }
  agents_[number].name = std::move(name);
  agents_[number].key = key;
  by_key_.emplace(std::move(key), number);
  return number;
}

std::uint32_t Roster::new_series(std::uint32_t agent, std::string type, std::string key, std::int64_t last_ns) {
  std::uint32_t number = static_cast<std::uint32_t>(series_.size());
  if (free_series_.empty()) {
    series_.emplace_back();
  } else {
    number = free_series_.back();
    free_series_.pop_back();
  }
  series_[number] = {agent, std::move(type), std::move(key), last_ns};
  agents_[agent].series.push_back(number);
  ++series_in_use_;
  return number;
}

std::uint32_t Roster::agent_of(const Text& name) {
  return (name.hashed ? recent_hashed_ : recent_plain_).of(name.bytes(), [&](std::string_view) { return look_up(name); });
}

std::uint32_t Roster::look_up(const Text& name) {
  const Key key(name);
  if (const auto known = by_key_.find(key.view()); known != by_key_.end()) return known->second;
  if (by_key_.size() < agents_max_) return new_agent(name.shown(), std::string(key.view()));
  const Key other{Text(kOther)};
  const auto known = by_key_.find(other.view());
  return other_ = known != by_key_.end() ? known->second : new_agent(std::string(kOther), std::string(other.view()));
}

std::uint32_t Roster::series_of(std::uint32_t agent, std::string_view key, const Text& type) {
  std::vector<std::uint32_t>& list = agents_[agent].series;
  const auto find = [&](std::string_view wanted) {
    const auto at = std::find_if(list.begin(), list.end(), [&](std::uint32_t number) { return series_[number].key == wanted; });
    if (at == list.end()) return kNobody;
    std::swap(*at, list.front());
    return list.front();
  };
  if (const std::uint32_t known = find(key); known != kNobody) return known;
  if (list.size() < kTypesMax && series_in_use_ < kSeriesMax) return new_series(agent, type.shown(), std::string(key), INT64_MIN);
  const Key other{Text(kOther)};
  const std::uint32_t known = find(other.view());
  return known != kNobody ? known : new_series(agent, std::string(kOther), std::string(other.view()), INT64_MIN);
}

Whom Roster::whom(const Values& v, std::int64_t time_ns) {
  const SubjectFields& fields = subject_fields(v.kind);
  const Text* const task = text_of(v, fields.task);
  const Text* const named_type = text_of(v, fields.type);
  const Text* const named = text_of(v, fields.agent);
  const std::uint64_t hash = task == nullptr ? 0 : journal::filter_hash(*task) | 1;
  if (owners_.empty()) owners_.resize(kOwners);  // not at the start, which it would make longer by half
  Owner& owner = owners_[hash >> 1 & (kOwners - 1)];
  // Who names agent and type needs no memory of the task.
  const std::uint32_t remembered = hash != 0 && (named == nullptr || named_type == nullptr) && owner.task == hash ? owner.series : kNobody;

  Whom whom;
  whom.agent = named != nullptr ? agent_of(*named) : remembered != kNobody ? series_[remembered].agent : kNobody;
  if (whom.agent == kNobody) return whom;
  if (whom.agent == other_) ++overflowed_;
  if (named_type == nullptr && remembered != kNobody && series_[remembered].agent == whom.agent) {
    whom.series = remembered;
  } else {
    const Text type = named_type != nullptr ? *named_type : Text(std::string_view());
    whom.series = series_of(whom.agent, Key(type).view(), type);
  }
  series_[whom.series].last_ns = std::max(series_[whom.series].last_ns, time_ns);
  if (fields.owns && hash != 0) owner = {hash, whom.series, 0};
  return whom;
}

std::uint32_t Roster::find(const Text& agent) const {
  const auto known = by_key_.find(Key(agent).view());
  return known == by_key_.end() ? kNobody : known->second;
}

void Roster::forget_series(std::uint32_t number) {
  std::erase(agents_[series_[number].agent].series, number);
  series_[number] = {};
  free_series_.push_back(number);
  --series_in_use_;
}

void Roster::expire(std::int64_t time_ns, const std::function<void(std::uint32_t)>& series_gone,
                    const std::function<void(std::uint32_t)>& agent_gone) {
  std::vector<bool> gone(series_.size());
  bool any = false;
  for (std::uint32_t n = 0; n < series_.size(); ++n)
    if (series_[n].agent != kNobody && series_[n].last_ns < time_ns) any = gone[n] = true;
  if (!any) return;
  for (Owner& owner : owners_)
    if (owner.series != kNobody && gone[owner.series]) owner = {};
  for (std::uint32_t n = 0; n < gone.size(); ++n) {
    if (!gone[n]) continue;
    const std::uint32_t agent = series_[n].agent;
    series_gone(n);
    forget_series(n);
    if (!agents_[agent].series.empty()) continue;
    agent_gone(agent);
    by_key_.erase(by_key_.find(agents_[agent].key));
    agents_[agent] = {};
    free_agents_.push_back(agent);
    if (other_ == agent) other_ = kNobody;
  }
  // There is room again: who went under kOther may have a name of his own.
  recent_plain_.clear();
  recent_hashed_.clear();
}

void Roster::clear() {
  agents_.clear();
  series_.clear();
  free_agents_.clear();
  free_series_.clear();
  series_in_use_ = 0;
  by_key_.clear();
  other_ = kNobody;
  recent_plain_.clear();
  recent_hashed_.clear();
  owners_.clear();
  overflowed_ = 0;
}

// Agents and series under their numbers, those in use alone; then the tasks.
void Roster::save(const std::function<void(std::string_view)>& out) const {
  std::string bytes;
  journal::Writer put(bytes);
  put.put(overflowed_);
  put.put(std::uint64_t{agents_.size()});
  for (const Agent& agent : agents_) {
    put.put_string(agent.name);
    put.put_string(agent.key);
  }
  put.put(std::uint64_t{series_.size()});
  for (const Series& series : series_) {
    put.put(std::uint64_t{series.agent});
    put.put_string(series.type);
    put.put_string(series.key);
    put.put(series.last_ns);
  }
  const auto owned = std::count_if(owners_.begin(), owners_.end(), [](const Owner& o) { return o.task != 0; });
  put.put(static_cast<std::uint64_t>(owned));
  out(bytes);
  bytes.clear();
  for (const Owner& owner : owners_)
    if (owner.task != 0) put.put(owner);
  out(bytes);
}

bool Roster::load(std::string_view bytes) {
  clear();
  journal::Reader in(bytes);
  overflowed_ = in.get<std::uint64_t>();
  const auto agents = in.get_count(2 * sizeof(std::uint64_t));
  for (std::uint64_t n = 0; n < agents && in.good(); ++n) {
    Agent agent{std::string(in.get_string()), std::string(in.get_string()), {}};
    if (agent.key.empty())
      free_agents_.push_back(static_cast<std::uint32_t>(n));
    else if (!by_key_.emplace(agent.key, static_cast<std::uint32_t>(n)).second)
      return false;
    agents_.push_back(std::move(agent));
  }
  const auto series = in.get_count(4 * sizeof(std::uint64_t));
  for (std::uint64_t n = 0; n < series && in.good(); ++n) {
    const auto agent = in.get<std::uint64_t>();
    Series one{static_cast<std::uint32_t>(agent), std::string(in.get_string()), std::string(in.get_string()), in.get<std::int64_t>()};
    if (one.agent == kNobody) {
      free_series_.push_back(static_cast<std::uint32_t>(n));
    } else {
      if (agent >= agents_.size() || agents_[agent].key.empty()) return false;
      agents_[agent].series.push_back(static_cast<std::uint32_t>(n));
      ++series_in_use_;
    }
    series_.push_back(std::move(one));
  }
  const auto owned = in.get_count(sizeof(Owner));
  if (owned != 0) owners_.resize(kOwners);
  for (std::uint64_t n = 0; n < owned && in.good(); ++n) {
    const auto owner = in.get<Owner>();
    if (owner.series >= series_.size() || series_[owner.series].agent == kNobody) return false;
    owners_[owner.task >> 1 & (kOwners - 1)] = owner;
  }
  const Key other{Text(kOther)};
  if (const auto known = by_key_.find(other.view()); known != by_key_.end()) other_ = known->second;
  return in.good() && in.left() == 0;
}

}  // namespace arbiter::aggregate
