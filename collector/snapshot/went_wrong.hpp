// What went wrong with a task, by what its events say.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <string>

#include "collector/journal/journal.hpp"

namespace arbiter::snapshot {

// Takes a task's events in order of time.
class WentWrong {
 public:
  void add(const journal::StoredEvent& event);
  // Each {"timestamp", "what", "eventId"}, in order of time: failures with their error types, evaluations, validations and judgments that
  // were not passed, budgets overused, choices against a better score, starts and completions without each other.
  boost::json::array list();

 private:
  void say(const journal::StoredEvent& event, std::string what);
  void execution(const journal::StoredEvent& event);
  void decision(const journal::StoredEvent& event);
  void validation(const journal::StoredEvent& event);
  void budget(const journal::StoredEvent& event);

  boost::json::array list_;
  std::uint64_t starts_ = 0, completions_ = 0;  // completions whose start is known
};

}  // namespace arbiter::snapshot
