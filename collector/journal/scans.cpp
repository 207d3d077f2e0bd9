#include "collector/journal/scans.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "collector/thread.hpp"

namespace arbiter::journal {

RawScans::RawScans(std::vector<Wanted> wanted, const GenericNames& names)
    : wanted_(std::move(wanted)), names_(names), scans_(wanted_.size()) {
  constexpr std::size_t kHelpersMax = 3;  // of a host with many processors, no more than that
  const std::size_t others = std::max(std::thread::hardware_concurrency(), 1u) - 1, most = std::min({wanted_.size(), others, kHelpersMax});
  helpers_.reserve(most);
  try {
    while (helpers_.size() < most)
      helpers_.emplace_back([this] {
        begin_thread("recover", Urgency::now);
        scan();
      });
  } catch (const std::system_error&) {  // the system gives no more threads: fewer do, or finish() alone
  }
}

void RawScans::scan() {
  GenericNames names = names_;
  for (std::size_t n; (n = next_.fetch_add(1, std::memory_order_relaxed)) < wanted_.size();) {
    const Wanted& w = wanted_[n];
    scans_[n] = scan_raw(w.segment, w.last_frame_before, w.reach, names);
  }
}

std::map<std::uint64_t, Result<ScannedSegment>> RawScans::finish() {
  scan();
  helpers_.clear();
  std::map<std::uint64_t, Result<ScannedSegment>> found;
  for (std::size_t n = 0; n < wanted_.size(); ++n) found.emplace(wanted_[n].index, std::move(scans_[n]));
  return found;
}

}  // namespace arbiter::journal
