// Profiles by agent, and by agent and type of task, of the events they are given.
//
// Who an event is about: the agent it names; where it names none (budgets, minimality, judgments), the agent last seen with its task, by a
// decision, a start or an execution that came before it. The type of a task likewise. Events of which neither is known are counted under
// no agent.
//
// Bounded: `max_agents` agents of kTypesMax types each, and `max_profiles` of them in all; what comes beyond goes under kOther. Measured:
// 28 MiB for 1,000 agents of 10 types with 300 log-normal latencies each, of which 99.7 % lie within a factor of 90 of the median; 89 MiB
// for 10,000 agents of 10 types with 30 each.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "collector/aggregate/availability.hpp"
#include "collector/aggregate/profile.hpp"
#include "collector/recent_hashes.hpp"
#include "shm/event.hpp"

namespace arbiter::aggregate {

struct AgentProfiles {
  std::string agent;                                    // as exports show it
  std::map<std::string, Profile, std::less<>> by_type;  // under the type as shown; "": none given
  StatusHistory statuses;
  Profile total() const;
};

class Profiles {
 public:
  static constexpr std::string_view kOther = "(other)";
  static constexpr std::size_t kTypesMax = 64;

  static constexpr std::uint64_t kProfilesMax = 100'000;  // ten types for each agent of the default limit

  explicit Profiles(std::uint64_t max_agents, std::uint64_t max_profiles = kProfilesMax)
      : max_agents_(max_agents), max_profiles_(max_profiles), owners_(kOwners) {}

  // One stored event, amendments applied. In the order of the journal. Returns whom it is about: valid until the next; null: nobody.
  const AgentProfiles* add(const event::Values& stored);
  // A status change: to the agent's history alone, wherever in time it lies.
  void note_status(const event::Values& stored);

  const AgentProfiles* find(const event::Text& agent) const;
  const std::vector<AgentProfiles>& agents() const { return agents_; }
  // Events over which nobody could be named, and events under kOther for want of room.
  std::uint64_t of_nobody() const { return nobody_.events; }
  std::uint64_t overflowed() const { return overflowed_; }
  // Over all agents of this type of task, or of every type (null); events of nobody included in the latter.
  Profile total(const event::Text* task_type) const;

 private:
  static constexpr std::uint32_t kNobody = UINT32_MAX;
  static constexpr std::size_t kOwners = 1 << 18;  // tasks remembered at once; each has one place, and takes it from whoever has it

  struct Owner {
    std::uint64_t task = 0;  // hash; 0: nobody's
    std::uint32_t agent = kNobody;
    std::string_view type;  // a key of the agent's by_type: stays for as long as this
  };

  std::uint32_t agent_of(const event::Text& name);
  std::map<std::string, Profile, std::less<>>::iterator profile_of(std::uint32_t agent, const event::Text& type);

  std::uint64_t max_agents_, max_profiles_;
  std::uint64_t profiles_ = 0;
  std::vector<AgentProfiles> agents_;
  std::unordered_map<std::string, std::uint32_t> index_;      // by agent as shown
  RecentHashes<std::uint32_t> recent_plain_, recent_hashed_;  // the same, of those seen lately, by what is stored
  std::uint32_t other_ = kNobody;                             // kOther, once there is no more room
  std::vector<Owner> owners_;
  Profile nobody_;
  std::uint64_t overflowed_ = 0;
};

}  // namespace arbiter::aggregate
