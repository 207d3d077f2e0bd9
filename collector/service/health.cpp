#include "collector/service/health.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <chrono>
#include <utility>

#include "collector/config/units.hpp"
#include "collector/service/engine.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {
namespace {

namespace json = boost::json;

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kDroppingNs = 10 * kSecondNs;  // after the last loss, it is not losing any more

constexpr std::string_view severity_text(Severity severity) {
  constexpr std::array<std::string_view, 4> names = {"notice", "paused", "degraded", "blocked"};
  return names[static_cast<std::size_t>(severity)];
}

// "for 3m20s", in the two units that matter.
std::string for_how_long(std::int64_t ns) {
  constexpr std::int64_t minute = 60, hour = 3600, day = 86'400;
  std::int64_t seconds = std::max<std::int64_t>(0, ns / kSecondNs);
  if (seconds >= day)
    seconds -= seconds % hour;
  else if (seconds >= hour)
    seconds -= seconds % minute;
  return seconds == 0 ? "just now" : "for " + config::duration_text(std::chrono::seconds(seconds));
}

std::string counted(std::uint64_t number, std::string_view one, std::string_view many) {
  return std::to_string(number) + " " + std::string(number == 1 ? one : many);
}

}  // namespace

void Health::note(std::string_view about, bool wrong, Severity severity, const std::function<std::pair<std::string, std::string>()>& words,
                  std::int64_t since_unix_ns) {
  const auto known = problems_.find(about);
  if (!wrong) {
    if (known != problems_.end()) problems_.erase(known);
    return;
  }
  auto [what, remedy] = words();
  if (known == problems_.end())
    problems_.emplace(about, Problem{severity, std::move(what), std::move(remedy), since_unix_ns});
  else
    known->second.severity = severity, known->second.what = std::move(what), known->second.remedy = std::move(remedy);
}

void Health::look(const Engine& engine, std::int64_t now) {
  using Words = std::pair<std::string, std::string>;
  const config::Config& config = engine.config();
  const journal::Troubles s = engine.journal().troubles();
  const Drain::Counts& counts = engine.drain().counts();

  const std::string& blocked = engine.drain().blocked_by();
  note(
      "journal", !blocked.empty(), Severity::blocked,
      [&] {
        return Words("the journal cannot be written (" + blocked + "): lanes fill, then count what they drop",
                     "make room on the disk of " + config.state_dir + "; it goes on by itself once the cause is gone");
      },
      now);
  note(
      "recording", engine.disabled(), Severity::paused,
      [&] {
        return engine.paused() ? Words("recording is paused", "arbiterctl resume")
                               : Words("recording is switched off in the configuration", "arbiterctl config set enabled=true");
      },
      engine.paused() ? engine.paused_since_ns() : now);
  note(
      "rotation", s.cannot_rotate, Severity::degraded,
      [&] {
        return Words("no further segment of the journal can be made (" + s.last_failure + "): the present one grows meanwhile",
                     "make room, or mend the permissions, in " + config.state_dir);
      },
      now);
  note(
      "sync", s.sync_failures != 0, Severity::degraded,
      [&] {
        return Words("the disk of " + config.state_dir + " has failed to sync " + std::to_string(s.sync_failures) +
                         " times since start: nothing is lost unless the machine stops",
                     "look at the disk");
      },
      now);
  note(
      "damage", s.damaged_blocks + s.broken_links != 0, Severity::degraded,
      [&] {
        const std::string blocks =
            counted(s.damaged_blocks, "damaged block of the journal was", "damaged blocks of the journal were") + " skipped";
        const std::string links =
            counted(s.broken_links, "segment of the journal does", "segments of the journal do") + " not fit the chain";
        return Words(s.broken_links == 0     ? blocks
                     : s.damaged_blocks == 0 ? links
                                             : blocks + ", and " + links,
                     "look at the disk, and at who can write to " + config.state_dir + "; arbiter-inspect names them");
      },
      now);

  if (counts.dropped > dropped_ && looked_) {
    if (now - dropped_at_ns_ > kDroppingNs) dropped_before_ = dropped_;
    dropped_at_ns_ = now;
  }
  dropped_ = counts.dropped;
  looked_ = true;
  note(
      "dropping", dropped_at_ns_ != 0 && now - dropped_at_ns_ <= kDroppingNs, Severity::degraded,
      [&] {
        return Words(
            "agents find their lanes full: " + counted(dropped_ - dropped_before_, "event was", "events were") + " dropped",
            "if the journal is well, agents record more than this collector takes: give it a processor of its own, or split them over "
            "two; arbiterctl top shows which");
      },
      now);
  note(
      "producers", !engine.lanes().no_room().empty(), Severity::degraded,
      [&] {
        const std::string& why = engine.lanes().no_room();
        const std::size_t remedy = why.rfind(": ");
        return Words(why.substr(0, remedy), why.substr(remedy + 2));
      },
      now);
  const std::uint64_t unreadable = counts.quarantined_lanes;
  note(
      "quarantine", unreadable != 0, Severity::notice,
      [&] {
        return Words(counted(unreadable, "lane was", "lanes were") + " damaged by the process that records there, and read no further",
                     "quarantine.jsonl in " + config.state_dir + " names them: restart, and mend, those processes");
      },
      now);
}

std::vector<Problem> Health::problems() const {
  std::vector<Problem> all;
  for (const auto& [about, problem] : problems_) all.push_back(problem);
  std::stable_sort(all.begin(), all.end(), [](const Problem& a, const Problem& b) { return a.severity > b.severity; });
  return all;
}

json::object health_json(std::vector<Problem> problems, std::int64_t now_unix_ns) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) { return a.severity > b.severity; });
  json::array list;
  for (const Problem& problem : problems)
    list.push_back({{"severity", severity_text(problem.severity)},
                    {"what", problem.what},
                    {"since", snapshot::time_text(problem.since_unix_ns)},
                    {"remedy", problem.remedy}});
  if (problems.empty() || problems.front().severity == Severity::notice)
    return {{"health", "ok"}, {"explanation", "everything that is recorded is taken"}, {"problems", std::move(list)}};
  const Problem& worst = problems.front();
  return {{"health", severity_text(worst.severity)},
          {"explanation", worst.what + " (" + for_how_long(now_unix_ns - worst.since_unix_ns) + "): " + worst.remedy},
          {"problems", std::move(list)}};
}

}  // namespace arbiter::service
