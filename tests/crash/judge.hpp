// Is everything there that a call answered "recorded" for, once, whole, in order; and does the account add up to the call?
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/found.hpp"
#include "tests/crash/ledger.hpp"

namespace arbiter::crash {

// What is to be there of what was recorded.
struct Expected {
  enum class Kept : std::uint8_t {
    all,
    after_wipe,  // all, but of slot 0 what was in a lane whose file somebody removed
    newest,      // `limit` events, by their time
    suffix,      // of each lane, from some event on, everything: whole segments were let go
    since,       // of the slots from `limit` on: the others were cleared
  };
  Kept kept = Kept::all;
  std::uint64_t limit = 0;
  std::uint64_t quarantined = 0;  // events that were bad on purpose
};

struct Verdict {
  std::uint64_t recorded = 0, found = 0;  // for the eye
  std::uint64_t lost = 0;                 // recorded, to be there, and not there
  std::uint64_t duplicated = 0;           // there more than once
  std::uint64_t torn = 0;                 // there, and not what was recorded
  std::uint64_t never_recorded = 0;       // there, and the call said otherwise; or it was to be gone
  std::uint64_t disordered = 0;           // in another place of its lane than its call
  std::vector<std::string> account;       // sums that do not add up
  std::vector<std::string> examples;      // of the first few

  bool good() const { return lost + duplicated + torn + never_recorded + disordered == 0 && account.empty(); }
  std::string text() const;
};

Verdict judge(const Ledger& ledger, const Found& found, const Expected& expected);

}  // namespace arbiter::crash
