#include "collector/journal/table_frame.hpp"

#include <cerrno>
#include <cstring>
#include <new>

#include "collector/journal/xxh3.hpp"

namespace arbiter::journal {
namespace {

constexpr std::size_t kGathered = 256 << 10;
constexpr std::uint64_t kPage = 4096;

std::optional<std::string> plain(std::span<const std::byte> stored, const std::shared_ptr<const crypt::Cipher>& cipher) {
  if (cipher == nullptr) return std::string(view_of(stored));
  auto decrypted = crypt::decrypt_text(crypt::Keyring(cipher, {}), view_of(stored));
  return decrypted ? std::optional(std::move(*decrypted)) : std::nullopt;
}

std::optional<Table> read_fields(const TableParts& parts, const std::shared_ptr<const crypt::Cipher>& cipher) {
  const auto fields = plain(parts.fields, cipher);
  return fields ? decode_fields(*fields) : std::nullopt;
}

}  // namespace

void TableWriter::FreeState::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

TableWriter::TableWriter(std::shared_ptr<File> file, std::uint64_t offset, const SegmentKey& key,
                         std::shared_ptr<const crypt::Cipher> cipher)
    : file_(std::move(file)), offset_(offset), key_(key), cipher_(std::move(cipher)), checksum_(XXH3_createState()) {
  if (checksum_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset_withSeed(checksum_.get(), checksum_seed(key_));
  gathered_.reserve(kGathered);
  if (cipher_ != nullptr) put(stream_.emplace(*cipher_).header());
}

TableWriter::~TableWriter() = default;

void TableWriter::add(std::string_view state) { put(stream_ ? stream_->add(state) : state); }

void TableWriter::put(std::string_view stored) {
  while (!stored.empty()) {
    const std::string_view fits = stored.substr(0, kGathered - gathered_.size());
    gathered_.insert(gathered_.end(), fits.begin(), fits.end());
    stored.remove_prefix(fits.size());
    if (gathered_.size() == kGathered) flush();
  }
}

void TableWriter::flush() {
  const auto bytes = std::as_bytes(std::span(gathered_));
  if (written_) written_ = file_->write(bytes, offset_ + sizeof(FrameHeader) + state_bytes_);
  XXH3_64bits_update(checksum_.get(), bytes.data(), bytes.size());
  state_bytes_ += bytes.size();
  gathered_.clear();
}

Result<TableFrame> TableWriter::finish(const FramePlace& place, const Table& table) {
  if (stream_) put(stream_->finish());
  flush();
  if (!written_) return written_.error();
  const std::string plain = encode_fields(table), fields = cipher_ != nullptr ? crypt::encrypt_text(*cipher_, plain) : plain;
  const TableTrailer trailer{state_bytes_, XXH3_64bits_digest(checksum_.get()), fields.size()};
  std::string behind = fields;
  behind.resize(padded(fields.size()));
  behind += view_of(object_bytes(trailer));
  const std::uint64_t state_end = offset_ + sizeof(FrameHeader) + state_bytes_;
  const std::uint64_t end = (state_end + behind.size() + kPage - 1) / kPage * kPage, bytes = end - offset_ - sizeof(FrameHeader);
  if (bytes > kFrameBodyMax) return Error{"the state of the open executions is too large for a segment", EFBIG};

  FrameHeader header = header_at(place, FrameType::table, static_cast<std::uint32_t>(bytes), 0);
  header.checksum = table_checksum(header, bytes_of(behind), key_);
  behind.insert(0, end - behind.size() - state_end, '\0');
  if (const auto written = file_->write(bytes_of(behind), state_end); !written) return written.error();
  if (const auto written = file_->write(object_bytes(header), offset_); !written) return written.error();
  return TableFrame{sizeof header + bytes, header.checksum};
}

std::optional<Table> read_table(const Frame& frame, const std::shared_ptr<const crypt::Cipher>& cipher) {
  if (frame.header.type != FrameType::table) return std::nullopt;
  const auto parts = table_parts(frame.body);
  if (!parts) return std::nullopt;
  auto table = read_fields(*parts, cipher);
  auto state = plain(parts->state, cipher);
  if (!table || !state) return std::nullopt;
  table->participant = std::move(*state);
  return table;
}

Result<std::optional<TableGlimpse>> look_at_table(const File& file, std::uint64_t offset, std::uint64_t file_bytes, const SegmentKey& key,
                                                  const std::shared_ptr<const crypt::Cipher>& cipher) {
  const std::optional<TableGlimpse> none;
  FrameHeader header;
  const std::span<std::byte> header_bytes = std::as_writable_bytes(std::span<FrameHeader, 1>(&header, 1));
  auto got = file.read(header_bytes, offset);
  if (!got) return got.error();
  const auto length = *got == sizeof header ? frame_length(header_bytes, key) : std::nullopt;
  if (!length || header.type != FrameType::table || offset + *length > file_bytes || header.body_bytes < sizeof(TableTrailer)) return none;

  TableTrailer trailer;
  const std::uint64_t end = offset + *length;
  got = file.read(std::as_writable_bytes(std::span<TableTrailer, 1>(&trailer, 1)), end - sizeof trailer);
  if (!got) return got.error();
  if (trailer.fields_bytes > header.body_bytes || padded(trailer.fields_bytes) + sizeof trailer > header.body_bytes) return none;
  std::vector<std::byte> summed(padded(trailer.fields_bytes) + sizeof trailer);
  got = file.read(summed, end - summed.size());
  if (!got) return got.error();
  if (*got != summed.size() || header.checksum != table_checksum(header, summed, key)) return none;

  TableParts parts;
  parts.fields = std::span(summed).first(trailer.fields_bytes);
  auto table = read_fields(parts, cipher);
  if (!table) return none;
  return std::optional(TableGlimpse{{*length, header.checksum}, header.previous, std::move(*table)});
}

}  // namespace arbiter::journal
