// A small journal with something of everything in it, and its files with their checksums made good again after they were changed.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "collector/journal/journal.hpp"
#include "tests/fuzz/input.hpp"

namespace arbiter::fuzz {

// Counts what it is given; that is its state.
class Counter final : public journal::Participant {
 public:
  std::uint64_t events = 0;
  void save(const std::function<void(std::string_view)>& out) const override;
  bool load(std::string_view bytes) override;
  void replay(const LaneId&, const event::Values&, const journal::EventRef&) override { ++events; }
  void replay_clear() override { events = 0; }
};

journal::Options journal_options(const fs::path& directory);

// Events in two lanes, retained and not, an amendment, closed lanes, a clear; at least one raw and two sealed segments, and a checkpoint.
std::map<std::string, std::string> made_journal();  // file name -> bytes

// One more event in a lane of its own, committed.
Result<void> record_one(journal::Journal& journal, Counter& counter);

// Makes the checksums fit what the bytes are now: of the header, of each frame in turn, of the checkpoint, of the trailer. What has no
// place for one stays as it is.
void mend(std::string_view name, std::string& bytes);

}  // namespace arbiter::fuzz
