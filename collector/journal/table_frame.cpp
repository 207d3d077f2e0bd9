#include "collector/journal/table_frame.hpp"

#include <xxhash.h>

#include <cerrno>
#include <memory>
#include <new>
#include <vector>

namespace arbiter::journal {
namespace {

// Bytes on their way into the file, and into the checksum.
class Pieces {
 public:
  Pieces(const File& file, std::uint64_t offset, const SegmentKey& key) : file_(file), offset_(offset), hash_(XXH3_createState()) {
    if (hash_ == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset_withSeed(hash_.get(), checksum_seed(key));
    gathered_.reserve(kGathered);
  }

  void put(std::string_view piece) {
    while (!piece.empty()) {
      const std::string_view fits = piece.substr(0, kGathered - gathered_.size());
      gathered_.insert(gathered_.end(), fits.begin(), fits.end());
      piece.remove_prefix(fits.size());
      if (gathered_.size() == kGathered) flush();
    }
  }
  Result<std::uint64_t> checksum() {
    flush();
    if (!written_) return written_.error();
    return XXH3_64bits_digest(hash_.get());
  }

 private:
  static constexpr std::size_t kGathered = 256 << 10;

  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };

  void flush() {
    if (written_) written_ = file_.write(std::as_bytes(std::span(gathered_)), offset_);
    XXH3_64bits_update(hash_.get(), gathered_.data(), gathered_.size());
    offset_ += gathered_.size();
    gathered_.clear();
  }

  const File& file_;
  std::uint64_t offset_;
  std::unique_ptr<XXH3_state_t, Free> hash_;
  std::vector<char> gathered_;
  Result<void> written_;
};

}  // namespace

Result<TableFrame> write_table_frame(const File& file, std::uint64_t offset, const FramePlace& place, const Table& table,
                                     const Participant& participant) {
  std::uint64_t participant_bytes = 0;
  participant.save([&](std::string_view piece) { participant_bytes += piece.size(); });
  const std::string fields = encode_table(table, participant_bytes);
  const std::uint64_t bytes = fields.size() + participant_bytes, padding = padded(bytes) - bytes;
  if (bytes > kFrameBodyMax) return Error{"the state of the open executions is too large for a segment", EFBIG};

  const FrameHeader header = header_at(place, FrameType::table, static_cast<std::uint32_t>(bytes + padding), 0);
  constexpr std::size_t kChecksum = sizeof header.checksum;
  static_assert(offsetof(FrameHeader, checksum) == 0);
  Pieces pieces(file, offset + kChecksum, place.key);
  pieces.put(view_of(object_bytes(header)).substr(kChecksum));
  pieces.put(fields);
  std::uint64_t saved = 0;
  participant.save([&](std::string_view piece) {
    saved += piece.size();
    if (saved <= participant_bytes) pieces.put(piece);
  });
  if (saved != participant_bytes) return Error{"the state of the open executions changed while it was written", EPROTO};
  pieces.put(std::string_view("\0\0\0\0\0\0\0", padding));
  const auto checksum = pieces.checksum();
  if (!checksum) return checksum.error();
  if (const auto written = file.write(object_bytes(*checksum), offset); !written) return written.error();
  return TableFrame{sizeof header + bytes + padding, *checksum};
}

}  // namespace arbiter::journal
