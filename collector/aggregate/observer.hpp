// What the follower hands on, and to whom: keepers of figures, of which there may be several, get the same stream at the same time.
//
// An observer sees each committed event once, in the order of the journal, off the drain's thread. What it makes of them is saved with the
// number of the frame up to which it goes, and loaded at the next start; then the stream goes on behind that frame. So whatever is a
// function of the stream alone is the same after a kill.
//
// All calls come from one thread at a time, under the follower's lock (Follower::ask).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "collector/event_key.hpp"
#include "shm/event.hpp"

namespace arbiter::aggregate {

inline constexpr std::uint32_t kNobody = UINT32_MAX;

// Whom an event is about: small numbers, given by the Roster, which knows their names. A number stays with its name until forgotten().
struct Whom {
  std::uint32_t agent = kNobody;
  std::uint32_t series = kNobody;  // the agent and the type of task together
};

struct Followed {
  const event::Values& values;  // as it was stored; `started` comes later for executions whose start does
  const LaneId& lane;
  std::uint64_t frame;
  std::int64_t time_ns;  // the event's own, but never later than it was recorded
  Whom whom;
};

// An execution that was handed on without a duration has one now, as its start has come.
struct Completed {
  Whom whom;
  std::int64_t time_ns;  // of the execution
  std::int64_t duration_ns;
  std::uint64_t frame;  // that says so
};

struct Moment {
  std::uint64_t frame = 0;            // everything up to here has been handed on
  std::int64_t now_ns = 0;            // the collector's time
  std::int64_t kept_ns = 0;           // the same, less the steps forward that its clock has made of late: what goes by age goes by this
  bool behind = false;                // there are more that were committed before this moment: history is being read
  std::uint64_t losses = 0;           // events dropped, refused and quarantined so far, over all lanes
  std::int64_t complete_from_ns = 0;  // events of before may be missing
};

class Observer {
 public:
  virtual ~Observer() = default;

  virtual void event(const Followed& event) = 0;
  virtual void completed(const Completed& late) = 0;
  virtual void forgotten_series(std::uint32_t series) = 0;  // and its number may be given to another
  virtual void forgotten_agent(std::uint32_t agent) = 0;    // after its last series
  virtual void cleared() = 0;                               // everything so far is forgotten
  virtual void moment(const Moment& moment) = 0;            // before the first event, after each batch, and once a second

  // The name under which the state is saved: of the code, never changed.
  virtual std::string_view name() const = 0;
  virtual void save(const std::function<void(std::string_view piece)>& out) const = 0;
  // False: not what save wrote (or under another configuration): everything is forgotten, and the journal read from its beginning. Called
  // before anything else, if at all.
  virtual bool load(std::string_view bytes) = 0;
};

}  // namespace arbiter::aggregate
