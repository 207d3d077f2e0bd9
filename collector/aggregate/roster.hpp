// Who there is: agents, and for each agent the types of task it has worked on, as small numbers; and whom an event is about.
//
// An event is about the agent it names; where it names none (budgets, minimality, judgments), about the agent last seen with its task, by a
// decision, a start or an execution that came before it. The type of a task likewise. Of which neither is known, they are about nobody.
//
// Bounded: `agents_max` agents of kTypesMax types each, and kSeriesMax series in all; what comes beyond goes under kOther, and is counted.
// Who has had no event for `keep` is forgotten.
//
// Not thread-safe.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/aggregate/observer.hpp"
#include "collector/large_pages.hpp"
#include "collector/recent_hashes.hpp"
#include "shm/event.hpp"

namespace arbiter::aggregate {

class Roster {
 public:
  static constexpr std::string_view kOther = "(other)";
  static constexpr std::size_t kTypesMax = 64;
  static constexpr std::size_t kSeriesMax = 100'000;  // ten types for each agent of the default limit

  explicit Roster(std::uint64_t agents_max);

  struct Agent {
    std::string name;                   // as exports show it; empty: this number is nobody's
    std::string key;                    // as it is stored (key_of)
    std::vector<std::uint32_t> series;  // by when they were first seen; the one seen last stands first
  };
  struct Series {
    std::uint32_t agent = kNobody;  // kNobody: this number is nobody's
    std::string type;               // as exports show it; empty: none given
    std::string key;                // as it is stored
    std::int64_t last_ns = 0;       // time of the latest event
  };

  Whom whom(const event::Values& stored, std::int64_t time_ns);
  const Agent& agent(std::uint32_t number) const { return agents_[number]; }
  const Series& series(std::uint32_t number) const { return series_[number]; }
  std::size_t agents_size() const { return agents_.size(); }  // numbers given so far; some may be nobody's now
  std::size_t series_size() const { return series_.size(); }
  std::size_t agents() const { return by_key_.size(); }
  std::size_t series_in_use() const { return series_in_use_; }
  std::uint32_t find(const event::Text& agent) const;       // kNobody: not there
  std::uint64_t overflowed() const { return overflowed_; }  // events under kOther for want of room

  // Those of which the latest event is before `time_ns` are forgotten.
  void expire(std::int64_t time_ns, const std::function<void(std::uint32_t series)>& series_gone,
              const std::function<void(std::uint32_t agent)>& agent_gone);
  void clear();
  void set_agents_max(std::uint64_t agents_max) { agents_max_ = agents_max; }

  void save(const std::function<void(std::string_view piece)>& out) const;
  bool load(std::string_view bytes);

 private:
  static constexpr std::size_t kOwners = 1 << 17;  // tasks remembered at once; each has one place, and takes it from whoever has it
  struct Owner {
    std::uint64_t task = 0;  // hash; 0: nobody's
    std::uint32_t series = kNobody;
    std::uint32_t zero = 0;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(std::string_view name) const;
  };

  std::uint32_t agent_of(const event::Text& name);
  std::uint32_t look_up(const event::Text& name);
  std::uint32_t series_of(std::uint32_t agent, std::string_view key, const event::Text& type);
  std::uint32_t new_agent(std::string name, std::string key);
  std::uint32_t new_series(std::uint32_t agent, std::string type, std::string key, std::int64_t last_ns);
  void forget_series(std::uint32_t number);

  std::uint64_t agents_max_;
  std::vector<Agent> agents_;
  std::vector<Series> series_;
  std::vector<std::uint32_t> free_agents_, free_series_;
  std::size_t series_in_use_ = 0;
  boost::unordered_flat_map<std::string, std::uint32_t, Hash, std::equal_to<>> by_key_;
  RecentHashes<std::uint32_t> recent_plain_, recent_hashed_;  // the numbers of agents seen lately, by their names as stored
  std::vector<Owner, LargePages<Owner>> owners_;              // kOwners, from the first event on
  std::uint32_t other_ = kNobody;                             // kOther, once there is no more room
  std::uint64_t overflowed_ = 0;
};

}  // namespace arbiter::aggregate
