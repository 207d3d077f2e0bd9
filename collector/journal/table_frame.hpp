// The frame that opens a segment. The state in it may be many times what a frame of events takes: it is written as it comes, and nowhere
// in memory as a whole.
#pragma once

#include "collector/journal/file.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/table.hpp"

namespace arbiter::journal {

struct TableFrame {
  std::uint64_t bytes = 0, checksum = 0;
};
// Writes it at this offset. The participant is asked how long its state is first.
Result<TableFrame> write_table_frame(const File& file, std::uint64_t offset, const FramePlace& place, const Table& table,
                                     const Participant& participant, const crypt::Cipher* cipher);

// What is in one; nothing: it is not a table, or does not decrypt.
std::optional<Table> read_table(const Frame& frame, const std::shared_ptr<const crypt::Cipher>& cipher, OfTable wanted = OfTable::all);

}  // namespace arbiter::journal
