// What is wrong with the collector now, since when, and what to do about it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace arbiter::service {

class Engine;

enum class Severity : std::uint8_t {
  notice,    // an agent's doing, or of the past: the collector itself is well
  paused,    // it records nothing, as it was told
  degraded,  // it does its work, and less of what it promises
  blocked,   // it takes nothing
};

struct Problem {
  Severity severity;
  std::string what, remedy;
  std::int64_t since_unix_ns;
};

// Problems by what they are about, from when on they are there. Not thread-safe.
class Health {
 public:
  // Looks at all that can be wrong: now and then, so that `since` is right, and before it is asked.
  void look(const Engine& engine, std::int64_t now_unix_ns);
  std::vector<Problem> problems() const;  // the worst first

 private:
  void note(std::string_view about, bool wrong, Severity severity, const std::function<std::pair<std::string, std::string>()>& words,
            std::int64_t since_unix_ns);  // if it is new

  std::map<std::string, Problem, std::less<>> problems_;
  std::uint64_t dropped_ = 0, dropped_before_ = 0;  // in all, at the last look; and before the present spell of dropping
  std::int64_t dropped_at_ns_ = 0;                  // when it last grew
  bool looked_ = false;
};

// {"health": "ok" | "paused" | "degraded" | "blocked", "explanation": a sentence, "problems": [{severity, what, since, remedy}, ..]}
boost::json::object health_json(std::vector<Problem> problems, std::int64_t now_unix_ns);

}  // namespace arbiter::service
