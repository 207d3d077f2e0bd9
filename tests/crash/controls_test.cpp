// Negative controls: six wrong orders that are in the tree (ARBITER_WRONG) and that the matrix must catch, each for its own reason. A
// matrix that lets one of them through proves nothing. The same runs without the wrong order are exact. (Preset testpoints.)
#include <doctest/doctest.h>

#include <cstdio>
#include <functional>
#include <vector>

#include "tests/crash/scene.hpp"

using namespace arbiter::crash;

namespace {

struct Control {
  const char* wrong;
  const char* scenario;
  std::vector<std::string> kills;  // one run each
  bool of_producer = false;
};

// The verdicts of the runs with the wrong order. None of them may be stuck: a test that hangs catches nothing.
std::vector<Verdict> verdicts(const Control& control) {
  std::vector<Verdict> all;
  for (const bool wrong : {false, true})
    for (const std::string& kill : control.kills) {
      Run run{.scenario = &scenario(control.scenario), .wrong = wrong ? control.wrong : ""};
      if (control.of_producer)
        run.producer_order = kill;
      else if (!kill.empty())
        run.collector_orders = {kill};
      const Outcome outcome = play(run);
      CAPTURE(kill);
      CAPTURE(wrong);
      CHECK_MESSAGE(outcome.stuck.empty(), outcome.stuck);
      if (!kill.empty()) CHECK((outcome.producer_killed || outcome.collector_killed == 1));
      if (!wrong) {
        CHECK_MESSAGE(outcome.verdict.good(), outcome.verdict.text());
        continue;
      }
      std::printf("  %s, %s: %s\n", control.wrong, kill.c_str(), outcome.verdict.text().substr(0, 300).c_str());
      all.push_back(outcome.verdict);
    }
  return all;
}

std::uint64_t sum(const std::vector<Verdict>& all, std::uint64_t Verdict::*count) {
  std::uint64_t n = 0;
  for (const Verdict& v : all) n += v.*count;
  return n;
}

std::size_t accounts_that_say(const std::vector<Verdict>& all, std::string_view begin) {
  std::size_t n = 0;
  for (const Verdict& v : all)
    for (const std::string& line : v.account) n += line.starts_with(begin);
  return n;
}

}  // namespace

TEST_CASE("acknowledging before the journal has it loses events, and the matrix says which") {
  const auto all =
      verdicts({"acknowledge_before_journal", "flow", {"drain.before_commit:2", "journal.frame_built:2", "journal.frame_built:5"}});
  CHECK(sum(all, &Verdict::lost) > 0);
  CHECK(accounts_that_say(all, "stateRewound is ") > 0);
  CHECK(sum(all, &Verdict::duplicated) == 0);
  CHECK(sum(all, &Verdict::torn) <= sum(all, &Verdict::lost));  // a completion whose start is lost is not told as it was recorded
}

TEST_CASE("going on from the shared cursor takes events twice, and the matrix says which") {
  const auto all =
      verdicts({"recover_from_shared_cursor", "flow", {"drain.committed:1", "journal.frame_written:3", "aggregate.retained:5"}});
  CHECK(sum(all, &Verdict::duplicated) > 0);
  CHECK(sum(all, &Verdict::lost) == 0);
  CHECK(sum(all, &Verdict::torn) < sum(all, &Verdict::duplicated));  // a completion that is there twice finds its start taken
}

TEST_CASE("publishing before filling leaves torn events, and the matrix finds them") {
  const auto all = verdicts({"publish_before_filling", "paced", {"record.reserved:1", "record.reserved:40", "record.reserved:90"}, true});
  for (const Verdict& v : all) CHECK(v.torn > 0);
  CHECK(sum(all, &Verdict::duplicated) == 0);
  CHECK(accounts_that_say(all, "quarantined is ") == all.size());  // its framing is impossible: the collector sets it aside
}

TEST_CASE("frames without a checksum: one that was torn is believed") {
  // A frame is written by halves: first one, then a half of what is left, and so on. These are all sorts of parts of the first few.
  const auto all = verdicts({"frames_without_checksum",
                             "paced",
                             {"file.half_written:34", "file.half_written:37", "file.half_written:40", "file.half_written:43",
                              "file.half_written:46", "file.half_written:49", "file.half_written:52", "file.half_written:55"}});
  CHECK(sum(all, &Verdict::torn) > 0);
}

TEST_CASE("frames that do not say whose they are: those of a recycled segment's former life come back") {
  // In the fourth segment, which was the second.
  const auto all = verdicts({"recycled_without_id", "paced", {"drain.acknowledged:75", "drain.acknowledged:82", "drain.acknowledged:90"}});
  for (const Verdict& v : all) CHECK(v.duplicated > 0);
  CHECK(sum(all, &Verdict::torn) == 0);
}

TEST_CASE("cursors in frames alone: a quiet lane's leaves with what retention lets go of") {
  const auto all = verdicts({"cursors_only_in_frames", "newest", {""}});
  CHECK(accounts_that_say(all, "stateRewound is ") == all.size());
}
