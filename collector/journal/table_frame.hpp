// The frame that opens a segment. The state in it may be many times what a frame of events takes: it is written as it comes, and nowhere
// in memory as a whole.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/crypt/stream.hpp"
#include "collector/journal/file.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/table.hpp"

struct XXH3_state_s;

namespace arbiter::journal {

struct TableFrame {
  std::uint64_t bytes = 0, checksum = 0;
};

// Writes one: first the participant's state, a piece at a time, and at the end what is only known then.
class TableWriter {
 public:
  // At this offset of the file, of the segment with this key. `cipher`: state and fields are encrypted with it; null: they are not.
  TableWriter(std::shared_ptr<File> file, std::uint64_t offset, const SegmentKey& key, std::shared_ptr<const crypt::Cipher> cipher);
  ~TableWriter();
  TableWriter(const TableWriter&) = delete;
  TableWriter& operator=(const TableWriter&) = delete;

  void add(std::string_view state);  // the next piece
  Result<TableFrame> finish(const FramePlace& place, const Table& table);

 private:
  void put(std::string_view stored);
  void flush();

  const std::shared_ptr<File> file_;
  const std::uint64_t offset_;
  const SegmentKey key_;
  const std::shared_ptr<const crypt::Cipher> cipher_;
  std::optional<crypt::StreamEncryptor> stream_;
  struct FreeState {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, FreeState> checksum_;
  std::vector<char> gathered_;
  std::uint64_t state_bytes_ = 0;  // in the file
  Result<void> written_;
};

// What is in one; nothing: it is not a table, or does not decrypt.
std::optional<Table> read_table(const Frame& frame, const std::shared_ptr<const crypt::Cipher>& cipher);

// The table at this offset of a file of so many bytes, without the participant's state: most of it, neither read nor checked.
struct TableGlimpse {
  TableFrame frame;
  std::uint64_t previous = 0;  // checksum of what is before it
  Table table;
};
Result<std::optional<TableGlimpse>> look_at_table(const File& file, std::uint64_t offset, std::uint64_t file_bytes, const SegmentKey& key,
                                                  const std::shared_ptr<const crypt::Cipher>& cipher);

}  // namespace arbiter::journal
