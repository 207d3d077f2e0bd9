#include "collector/journal/table_frame.hpp"

#include <xxhash.h>

#include <cerrno>
#include <memory>
#include <new>
#include <vector>

#include "collector/crypt/stream.hpp"

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

// The body on its way there: as it is, or encrypted.
class Body {
 public:
  Body(Pieces& pieces, const crypt::Cipher* cipher) : pieces_(pieces) {
    if (cipher != nullptr) pieces_.put(stream_.emplace(*cipher).header());
  }
  void put(std::string_view plain) { pieces_.put(stream_ ? stream_->add(plain) : plain); }
  void finish() {
    if (stream_) pieces_.put(stream_->finish());
  }

 private:
  Pieces& pieces_;
  std::optional<crypt::StreamEncryptor> stream_;
};

// Zeros behind the table, so that the body is a multiple of 8.
std::uint64_t padding_of(std::uint64_t bytes, bool encrypted) {
  if (!encrypted) return padded(bytes) - bytes;
  std::uint64_t padding = 0;
  while (crypt::encrypted_bytes(bytes + padding) % 8 != 0) ++padding;
  return padding;
}

}  // namespace

Result<TableFrame> write_table_frame(const File& file, std::uint64_t offset, const FramePlace& place, const Table& table,
                                     const Participant& participant, const crypt::Cipher* cipher) {
  const std::uint64_t participant_bytes = participant.saved_bytes();
  const std::string fields = encode_table(table, participant_bytes);
  const std::uint64_t plain = fields.size() + participant_bytes, padding = padding_of(plain, cipher != nullptr);
  const std::uint64_t bytes = cipher != nullptr ? crypt::encrypted_bytes(plain + padding) : plain + padding;
  if (bytes > kFrameBodyMax) return Error{"the state of the open executions is too large for a segment", EFBIG};

  const FrameHeader header = header_at(place, FrameType::table, static_cast<std::uint32_t>(bytes), 0);
  constexpr std::size_t kChecksum = sizeof header.checksum;
  static_assert(offsetof(FrameHeader, checksum) == 0);
  Pieces pieces(file, offset + kChecksum, place.key);
  pieces.put(view_of(object_bytes(header)).substr(kChecksum));
  Body body(pieces, cipher);
  body.put(fields);
  std::uint64_t saved = 0;
  participant.save([&](std::string_view piece) {
    saved += piece.size();
    if (saved <= participant_bytes) body.put(piece);
  });
  if (saved != participant_bytes) return Error{"the state of the open executions changed while it was written", EPROTO};
  body.put(std::string(padding, '\0'));
  body.finish();
  const auto checksum = pieces.checksum();
  if (!checksum) return checksum.error();
  if (const auto written = file.write(object_bytes(*checksum), offset); !written) return written.error();
  return TableFrame{sizeof header + bytes, *checksum};
}

std::optional<Table> read_table(const Frame& frame, const std::shared_ptr<const crypt::Cipher>& cipher, OfTable wanted) {
  if (cipher == nullptr) return decode_table(view_of(frame.body), wanted);
  const auto plain = crypt::decrypt_text(crypt::Keyring(cipher, {}), view_of(frame.body));
  return plain ? decode_table(*plain, wanted) : std::nullopt;
}

}  // namespace arbiter::journal
