#include "tests/crash/power_recovery.hpp"

#include <algorithm>
#include <cerrno>

#include "collector/join/join.hpp"
#include "collector/privacy/key.hpp"
#include "collector/snapshot/directory.hpp"
#include "collector/snapshot/verify.hpp"

namespace arbiter::power {
namespace {

namespace fs = std::filesystem;
using journal::Journal;

// The events that are to be there when frames 1 to `last` are: those that must be, and those that may be.
struct Expected {
  std::vector<EventKey> required, allowed;  // sorted
};
Expected expected(const Truth& truth, std::uint64_t last) {
  Expected e;
  for (std::uint64_t n = truth.after(last).cleared_by + 1; n <= last; ++n)
    e.allowed.insert(e.allowed.end(), truth.after(n).events.begin(), truth.after(n).events.end());
  std::sort(e.allowed.begin(), e.allowed.end());
  e.required = e.allowed;
  if (const auto limit = truth.limit(); limit && e.required.size() > *limit)
    e.required.erase(e.required.begin(), e.required.end() - static_cast<std::ptrdiff_t>(*limit));
  return e;
}

void check_journal(const Journal& journal, const Truth& truth, std::vector<std::string>& wrong) {
  const std::uint64_t last = journal.committed_frame();
  const auto text = [](std::uint64_t n) { return std::to_string(n); };
  if (last < truth.promised()) wrong.push_back("it ends with frame " + text(last) + "; up to " + text(truth.promised()) + " was synced");
  if (last > truth.written()) {
    wrong.push_back("it ends with frame " + text(last) + "; there never were more than " + text(truth.written()));
    return;
  }
  std::vector<EventKey> found;
  const auto scan = journal.view()->scan({}, [&](const journal::StoredEvent& e) {
    found.push_back({e.retention_ns, e.lane, e.values.sequence});
    return true;
  });
  std::sort(found.begin(), found.end());
  const Expected e = expected(truth, last);
  if (std::adjacent_find(found.begin(), found.end()) != found.end()) wrong.push_back("an event is there twice");
  if (!std::includes(e.allowed.begin(), e.allowed.end(), found.begin(), found.end()))
    wrong.push_back("an event is there that should not be");
  if (!std::includes(found.begin(), found.end(), e.required.begin(), e.required.end()))
    wrong.push_back("of " + text(e.required.size()) + " events up to frame " + text(last) + " there are " + text(found.size()));

  const journal::Statistics s = journal.statistics();
  const TrueFrame& now = truth.after(last);
  if (s.retained.events() != found.size())
    wrong.push_back("the sums say " + text(s.retained.events()) + " events, there are " + text(found.size()));
  if (s.lifetime.totals.events() != now.events_so_far)
    wrong.push_back("in its life " + text(s.lifetime.totals.events()) + " events, not " + text(now.events_so_far));
  if (s.closed != now.closed) wrong.push_back("the account of the closed lanes is not that of frame " + text(last));
  std::map<LaneId, journal::Cursor> lanes;
  for (const auto& [lane, cursor] : journal.lanes()) lanes[lane] = cursor;
  if (lanes != now.lanes) wrong.push_back("the cursors are not those of frame " + text(last));
  if (s.damaged_blocks != 0 || scan.blocks_damaged != 0) wrong.push_back("damage is reported: " + s.last_failure);
  if (s.broken_links != 0) wrong.push_back("a broken link is reported: " + s.last_failure);
}

}  // namespace

std::vector<std::string> check_exports(const fs::path& exports, const Truth& truth) {
  std::vector<std::string> wrong;
  std::error_code none;
  const auto status = fs::symlink_status(exports / "latest", none);
  std::uint64_t latest = 0;
  if (fs::is_symlink(status)) {
    latest = snapshot::parse_number(fs::read_symlink(exports / "latest").string()).value_or(0);
    if (!fs::is_directory(exports / "latest")) wrong.push_back("latest names nothing");
  } else if (fs::exists(status)) {
    wrong.push_back("latest is no link");
  }
  if (latest < truth.published())
    wrong.push_back("latest is " + std::to_string(latest) + ", and " + std::to_string(truth.published()) + " was published");
  for (fs::directory_iterator it(exports, none), end; !none && it != end; ++it) {
    const std::string name = it->path().filename();
    if (!snapshot::parse_number(name)) continue;
    const auto report = snapshot::verify(it->path());
    if (!report || !report->ok())
      wrong.push_back("snapshot " + name + " is visible and not whole: " + (report ? report->problems.front() : report.error().message));
  }
  return wrong;
}

std::vector<std::string> recover_and_check(const fs::path& directory, const Truth& truth) {
  std::vector<std::string> wrong = check_exports(directory / "exports", truth);
  const std::string state = directory / "state";
  journal::Options options;
  options.directory = state + "/journal";
  options.segment_bytes = 1 << 20;
  // As the collector does it: a key is made where there is none, unless there is a journal.
  const auto key = privacy::load_key(state + "/anonymization.key");
  if (key) {
    options.link_key = key->link_key();
  } else if (key.error().code != ENOENT || (fs::exists(options.directory) && !fs::is_empty(options.directory))) {
    wrong.push_back("it does not start: " + key.error().message);
    return wrong;
  }
  join::Join join(1000);
  const auto journal = Journal::open(options, join);
  if (!journal) {
    wrong.push_back("it does not start: " + journal.error().message);
    return wrong;
  }
  check_journal(**journal, truth, wrong);
  return wrong;
}

}  // namespace arbiter::power
