// Raw segment files: making one, and reading the frames of one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "collector/journal/file.hpp"
#include "collector/journal/frame.hpp"
#include "collector/journal/table.hpp"
#include "collector/journal/table_frame.hpp"

namespace arbiter::journal {

// Names of the files in the directory.
std::string raw_name(std::uint64_t index);
std::string sealed_name(std::uint64_t index);
std::string spare_name(unsigned n);
inline constexpr unsigned kSparesMax = 2;

struct RawSegment {
  std::shared_ptr<File> file;
  RawHeader header{};
  std::uint64_t size = 0;                                 // of the file
  std::uint64_t end = 0;                                  // of the table
  std::uint64_t previous = 0;                             // checksum of the table's frame
  std::shared_ptr<const crypt::Cipher> cipher = nullptr;  // null: it is not encrypted
};

struct NewSegment {
  std::uint64_t index;
  Fingerprint fingerprint;
  std::uint64_t segment_bytes;
  std::int64_t created_unix_ns;
  std::optional<std::string> spare;  // path of a file to make it of
  std::shared_ptr<const crypt::Cipher> cipher = nullptr;
};
// A raw segment that is being made: <directory>/<index>.journal, with header and table. It has its name only when both are in it; until
// then it is gone with this object.
class SegmentMaker {
 public:
  static Result<std::unique_ptr<SegmentMaker>> begin(const std::string& directory, NewSegment what);  // on an error the spare is gone
  ~SegmentMaker();
  SegmentMaker(const SegmentMaker&) = delete;
  SegmentMaker& operator=(const SegmentMaker&) = delete;

  void add(std::string_view state) { table_->add(state); }  // of the participant: the next piece
  std::uint64_t bytes() const { return made_.size; }        // of the file
  Result<RawSegment> finish(const Table& table);

 private:
  SegmentMaker(const std::string& directory, NewSegment what);
  Result<void> start();
  Result<void> name(const Table& table);

  const NewSegment what_;
  const std::string path_, temporary_;
  RawSegment made_;
  std::unique_ptr<TableWriter> table_;
  bool named_ = false;
};

// Opens a raw segment and reads its header and table. An error of code 0: it is not one, or its beginning is torn; ENOKEY: its key is not
// among these.
struct OpenedRaw {
  RawSegment segment;
  Table table;
  bool whole = false;  // with the participant's state
};
Result<OpenedRaw> open_raw_segment(const std::string& path, const crypt::Keyring& keys = {});
// The same, but for the participant's state, which is neither read nor checked: most of a table, and of many segments wanted once.
Result<OpenedRaw> look_at_raw_segment(const std::string& path, const crypt::Keyring& keys);

// Which segment it is by its header. Error of code 0: that is damaged.
Result<std::uint64_t> raw_segment_index(const std::string& path);

// Frame after frame, in order, as long as they check out.
class FrameStream {
 public:
  FrameStream(const RawSegment& segment, std::uint64_t begin, std::uint64_t end, std::uint64_t previous)
      : segment_(segment), offset_(begin), end_(end), previous_(previous) {}

  // The next frame, at offset(); its bytes stay until the next call. Nothing: the frames end at next_offset(), or failed().
  std::optional<Frame> next();
  std::optional<Frame> at();  // the frame at next_offset(), whatever is before it; does not move on
  std::uint64_t offset() const { return frame_at_; }
  std::uint64_t next_offset() const { return offset_; }
  std::uint64_t previous() const { return previous_; }  // checksum of the last frame
  // After the end: looks for the next frame that checks out by itself and begins before this offset. False: there is none.
  bool resynchronise(std::uint64_t before);
  // What the system said when it refused to read: then nothing is known of what is there. Frames end where the file says so, not here.
  const std::optional<Error>& failed() const { return failed_; }

 private:
  std::span<const std::byte> peek(std::size_t bytes);  // fewer at the end

  const RawSegment& segment_;
  std::uint64_t offset_, end_, previous_;
  std::uint64_t frame_at_ = 0;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t buffer_room_ = 0, buffer_bytes_ = 0;
  std::uint64_t buffer_at_ = 0;  // of those, in the file
  std::vector<std::byte> decrypted_;
  bool chained_ = true;
  std::optional<Error> failed_;
};

}  // namespace arbiter::journal
