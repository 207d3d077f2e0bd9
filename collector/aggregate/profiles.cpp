#include "collector/aggregate/profiles.hpp"

#include "collector/aggregate/subject.hpp"
#include "collector/journal/task_filter.hpp"
#include "collector/journal/totals.hpp"

namespace arbiter::aggregate {

using event::Text;
using event::Values;

Profile AgentProfiles::total() const {
  Profile all;
  for (const auto& [type, profile] : by_type) all.merge(profile);
  return all;
}

std::uint32_t Profiles::agent_of(const Text& name) {
  return (name.hashed ? recent_hashed_ : recent_plain_).of(name.bytes(), [&](std::string_view) {
    const auto known = index_.find(name.shown());
    if (known != index_.end()) return known->second;
    const bool room = index_.size() < max_agents_;
    const auto [at, made] = index_.try_emplace(room ? name.shown() : std::string(kOther), static_cast<std::uint32_t>(agents_.size()));
    if (made) agents_.push_back({at->first, {}, {}});
    if (!room) other_ = at->second;
    return at->second;
  });
}

std::map<std::string, Profile, std::less<>>::iterator Profiles::profile_of(std::uint32_t agent, const Text& type) {
  auto& by_type = agents_[agent].by_type;
  const auto known = type.hashed ? by_type.find(type.shown()) : by_type.find(type.bytes());
  if (known != by_type.end()) return known;
  const bool room = by_type.size() < kTypesMax && profiles_ < max_profiles_;
  const auto [at, made] = by_type.try_emplace(room ? type.shown() : std::string(kOther));
  if (made) ++profiles_;
  return at;
}

const AgentProfiles* Profiles::add(const Values& v) {
  const SubjectFields& fields = subject_fields(v.kind);
  const Text* const task = text_of(v, fields.task);
  const Text* const named_type = text_of(v, fields.type);
  const std::uint64_t hash = task == nullptr ? 0 : journal::filter_hash(*task) | 1;
  Owner& owner = owners_[hash >> 1 & (kOwners - 1)];
  const Text* const named = text_of(v, fields.agent);
  const bool remembered = hash != 0 && owner.task == hash;
  const std::uint32_t agent = named != nullptr ? agent_of(*named) : remembered ? owner.agent : kNobody;
  if (agent == kNobody) {
    nobody_.add(v);
    return nullptr;
  }
  if (agent == other_) ++overflowed_;

  const Text type_of_task(remembered && owner.agent == agent ? owner.type : std::string_view());
  const auto profile = profile_of(agent, named_type != nullptr ? *named_type : type_of_task);
  profile->second.add(v);
  if (fields.owns) owner = {hash, agent, profile->first};
  return &agents_[agent];
}

void Profiles::note_status(const Values& v) {
  const SubjectFields& fields = subject_fields(v.kind);
  const Text* const agent = text_of(v, fields.agent);
  const Text* const status = text_of(v, fields.status);
  if (agent != nullptr && status != nullptr) agents_[agent_of(*agent)].statuses.add(journal::retention_time_of(v), status->bytes());
}

const AgentProfiles* Profiles::find(const Text& agent) const {
  const auto at = index_.find(agent.shown());
  return at == index_.end() ? nullptr : &agents_[at->second];
}

Profile Profiles::total(const Text* task_type) const {
  Profile all;
  if (task_type == nullptr) all.merge(nobody_);
  for (const AgentProfiles& agent : agents_)
    for (const auto& [type, profile] : agent.by_type)
      if (task_type == nullptr || type == task_type->shown()) all.merge(profile);
  return all;
}

}  // namespace arbiter::aggregate
