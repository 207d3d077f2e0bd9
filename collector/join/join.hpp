// The join: starts with completions, decisions with executions, whatever thread or process they come from and in whatever order.
//
//   keys(event)               what the join knows it by
//   resolve(execution, keys)  before it is journalled: fills in what is known already (startedAtNs, routingDecision.*)
//   settle(event, keys, ref)  once it is journalled: remembers what later events may need, and amends what was journalled before and can
//                             be completed now
//
// What is remembered is bounded by `max_open_executions`, oldest let go first, and is a function of the events in journal order alone:
// replaying them after a crash gives the same state.
//
// Rules (events.md): an execution's start is the one with its executionId; the first completion takes it. Its decision is the one it or its
// start names by decisionId; else the latest of its task for its agent at or before the start (before the completion, while the start is
// unknown).
//
// Not thread-safe: belongs to the drain's thread.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/join/key.hpp"
#include "collector/join/oldest_out.hpp"
#include "collector/journal/journal.hpp"
#include "collector/recent_hashes.hpp"
#include "shm/event.hpp"

namespace arbiter::join {

// The decision of an execution, as routingDecision.* shows it.
struct Decision {
  enum Word : std::uint8_t { id, agent, strategy, policy };
  static constexpr std::size_t kWords = 4;

  std::int64_t time_ns = 0;
  double confidence = 0, propensity = 0;
  std::uint32_t present = 0;                 // bits of the execution's routingDecision.* fields
  std::uint8_t hashed = 0;                   // bit i: word i is a hash
  std::array<std::uint16_t, kWords> size{};  // of each word
  // One word behind the other. There are as many decisions as executions may be open: two hashes, the name of a strategy and a version have
  // their room here.
  boost::container::small_vector<char, 64> words;

  void add(Word word, const event::Text& text);  // in their order
  void fill(event::Values& execution) const;
};

// The ids of one event, as the join knows them; null where it has none.
struct Keys {
  Key id;  // of the decision, of the execution
  Key task_agent;
  Key decision;  // that a start or an execution names
};

struct Counts {
  std::uint64_t censored = 0;        // starts let go without a completion
  std::uint64_t orphans_let_go = 0;  // completions that no start can find any more
  std::uint64_t late_starts = 0;     // completions amended by a start that came after them
  std::uint64_t late_decisions = 0;  // executions amended by a decision that came after them
};

class Join final : public journal::Participant {
 public:
  // patch: same kind as the target, only the fields that change.
  using Amend = std::function<void(const journal::EventRef& target, const event::Values& patch)>;

  explicit Join(std::size_t max_open_executions);

  // Null for kinds that are not joined. One short hash for each id that is not hashed already.
  Keys keys(const event::Values& values);
  // What is filled in points into the join: valid until the next settle.
  void resolve(event::Values& values, const Keys& keys) const;
  void settle(const event::Values& values, const Keys& keys, const journal::EventRef& ref, const Amend& amend);

  void set_capacity(std::size_t max_open_executions);
  std::size_t open() const { return starts_.size(); }
  std::size_t waiting() const { return waiting_.size(); }
  const Counts& counts() const { return counts_; }

  void save(const Out& out) const override;
  std::uint64_t saved_bytes() const override;
  void begin_saving(const Out& out) override;
  bool save_some(const Out& out, std::size_t bytes) override;
  void finish_saving(const Out& out) override;
  void give_up_saving() override;
  bool load(std::string_view bytes) override;
  void replay(const LaneId& lane, const event::Values& stored, const journal::EventRef& ref) override;
  void replay_clear() override;

 private:
  struct Start {
    Key keys[1];  // execution
    journal::EventRef ref;
    Key decision;  // named by the start, or null
  };
  // An execution that may still be amended.
  struct Waiting {
    Key keys[3];  // execution (null: its start is known), task and agent, the decision it names (null: none)
    journal::EventRef ref;
    std::int64_t not_after_ns = 0;        // its decision is none later than this: its start, or itself while that is unknown
    std::int64_t decided_ns = INT64_MIN;  // time of the decision it has
  };
  struct Made {
    Key keys[2];  // decision, task and agent
    Decision decision;
  };

  using Executions = OldestOut<Waiting, 3>;

  const Decision* find_decision(const Key& named, const Key& task_agent, std::int64_t not_after_ns) const;
  std::uint32_t remember(Made&& made);  // its slot
  void settle_decision(const event::Values& values, const Keys& keys, const journal::EventRef& ref, const Amend& amend);
  void settle_start(const Keys& keys, const journal::EventRef& ref, const Amend& amend);
  void settle_execution(const event::Values& values, const Keys& keys, const journal::EventRef& ref);
  void keep_decidable(const Waiting& execution);

  class Writer;  // saved.cpp
  template <class Self, class Visit>
  static void each_table(Self& self, Visit&& visit);  // visit(its number, table)
  void begin(Writer& out) const;
  bool tell(Writer& out, std::size_t bytes);
  void end(Writer& out) const;
  bool load_entries(std::string_view bytes);
  void forget();

  KeyHash key_of_;            // its seed is saved with the state: the keys in it are made by it
  RecentHashes<Key> recent_;  // of agents, by that
  OldestOut<Start, 1> starts_;
  Executions waiting_;    // their start has not come
  Executions decidable_;  // their start is known; a decision may still come, or a later one that was on its way
  OldestOut<Made, 2> decisions_;
  std::uint64_t words_bytes_ = 0;  // of the decisions
  Counts counts_;
};

}  // namespace arbiter::join
