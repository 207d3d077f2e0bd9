// What moved with an anomaly, and by how much of the change each explains; and tasks to look at.
//
// Outcomes of before and since are told apart by what is known of them (type of task, routing strategy, policy version, kind of error, rule
// that was broken). With w the part of all outcomes that fall to one value, and q the share of them that is bad, before (0) and since (1),
// the value explains w1 (q1 - q0') - w0 (q0 - q0') of the change q1' - q0', where ' marks the shares of all: how much more bad it brings
// than it did, held against what such an outcome brought on average. So a value that only comes more often explains something if it is
// worse than most; and all values of one kind explain the whole together. (The decomposition is E. Kitagawa's, J. American Statistical
// Association 50, 1955, rates and composition taken together.) Kinds of errors and rules come with bad outcomes alone: there it is the part
// of the increase that they are. A change of the agent's status explains by as much as outcomes after it are worse than those before it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "collector/detect/anomaly.hpp"
#include "shm/event.hpp"

namespace arbiter::detect {

class Causes {
 public:
  static constexpr std::size_t kValuesMax = 1000, kCausesMax = 8, kExamplesMax = 5, kTasksMax = 1 << 20;

  struct About {
    Measure measure{};
    std::string agent, task_type;  // as shown; empty type: all
    std::int64_t since_ns = 0;     // outcomes from then on are those since
    double limit_ms = 0;           // of latencies
  };
  explicit Causes(const About& about) : about_(about) {}

  // Events in order of the journal, of whomever. `time_ns`: as the follower takes it.
  void add(const event::Values& stored, std::int64_t time_ns);
  // Into the anomaly.
  void put(Anomaly& anomaly) const;

 private:
  struct Split {
    Counts before, since;
  };
  struct StatusChange {
    std::int64_t time_ns;
    std::string what;
  };
  struct Outcome {
    std::int64_t time_ns;
    bool bad;
  };
  void outcome(const event::Values& v, std::int64_t time_ns, bool bad);
  void note(std::string_view kind, std::string value, bool since, bool bad);
  void broken_rules(const event::Values& v, bool since);
  std::vector<Cause> of_status() const;

  About about_;
  Split all_;
  std::map<std::pair<std::string, std::string>, Split> values_;  // by kind and value
  std::vector<StatusChange> changes_;
  std::vector<Outcome> outcomes_;  // at most kTasksMax: for the changes of status
  std::vector<std::string> examples_;
  std::size_t examples_seen_ = 0;
  std::unordered_set<std::uint64_t> tasks_;  // of the agent, for events that name no agent
};

}  // namespace arbiter::detect
