#include "tools/arbiter-replay/sample.hpp"

#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>

#include "tools/arbiter-replay/json_parts.hpp"

namespace arbiter::replay {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): small, the same everywhere, good enough for made-up runs.
class Random {
 public:
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t state_ = 1;
};

struct Agent {
  std::string_view id;
  std::uint64_t success_percent;
  std::int64_t typical_ms;
};
constexpr std::array<Agent, 5> kAgents = {{
    {"planner-small", 45, 90'000},
    {"planner-large", 70, 240'000},
    {"coder-fast", 55, 150'000},
    {"coder-thorough", 80, 600'000},
    {"reviewer-one", 62, 60'000},
}};
constexpr std::array<std::string_view, 6> kFamilies = {"fix_failing_test", "write_migration", "summarize_thread",
                                                       "triage_alerts",    "refactor_module", "answer_from_docs"};
constexpr std::int64_t kSpanMs = 6LL * 3600 * 1000;

}  // namespace

void write_sample(std::ostream& out, std::uint64_t runs, std::int64_t end_unix_ms) {
  Random random;
  const std::int64_t longest_ms = 3600 * 1000;
  const std::int64_t begin_ms = end_unix_ms - longest_ms - kSpanMs;
  for (std::uint64_t i = 0; i < runs; ++i) {
    const Agent& agent = kAgents[random.below(kAgents.size())];
    const std::string_view family = kFamilies[random.below(kFamilies.size())];
    const bool success = random.below(100) < agent.success_percent;
    const bool limited = !success && random.below(5) == 0;
    // Two dice make a hump, squaring one makes a tail.
    const auto spread = static_cast<std::int64_t>(random.below(1000) * random.below(1000) / 100);
    const std::int64_t duration_ms = std::min(longest_ms, agent.typical_ms / 4 + agent.typical_ms * spread / 2500);
    const std::int64_t started_ms =
        begin_ms + static_cast<std::int64_t>(i) * kSpanMs / static_cast<std::int64_t>(std::max<std::uint64_t>(runs, 1));
    const std::uint64_t score = success ? 100 : random.below(70);
    const std::string number = std::to_string(i + 1);
    out << "{\"run_id\":\"sample-run-" << std::string(6 - std::min<std::size_t>(6, number.size()), '0') << number << "\",\"task_id\":\""
        << family << "/variant-" << random.below(12) << "\",\"task_family\":\"" << family << "\",\"agent_id\":\"" << agent.id
        << "\",\"started_at_ms\":" << started_ms << ",\"completed_at_ms\":" << started_ms + duration_ms
        << ",\"score\":" << (score == 100 ? "1.0" : "0." + std::string(score < 10 ? "0" : "") + std::to_string(score))
        << ",\"success\":" << (success ? "true" : "false") << ",\"error\":" << (limited ? "\"usageLimits\"" : "null") << "}\n";
  }
}

}  // namespace arbiter::replay
