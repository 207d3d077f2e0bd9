#include "collector/journal/raw_segment.hpp"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "collector/journal/encryption.hpp"
#include "collector/journal/table_frame.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

constexpr std::size_t kReadAhead = 2 * kBlockBytes;

std::string numbered(std::uint64_t index, const char* ending) {
  char name[48];
  std::snprintf(name, sizeof name, "%020llu.%s", static_cast<unsigned long long>(index), ending);
  return name;
}

Result<std::shared_ptr<File>> blank_file(const std::string& path, const NewSegment& what) {
  if (what.spare) {
    if (const auto moved = rename_file(*what.spare, path); !moved) return moved.error();
    ARBITER_TESTPOINT("rotate.spare_taken");
    return File::open(path, O_RDWR);
  }
  auto file = File::open(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return file;
  if (const auto room = (*file)->allocate(what.segment_bytes); !room) return room.error();
  ARBITER_TESTPOINT("rotate.allocated");
  return file;
}

}  // namespace

std::string raw_name(std::uint64_t index) { return numbered(index, "journal"); }
std::string sealed_name(std::uint64_t index) { return numbered(index, "sealed"); }
std::string spare_name(unsigned n) { return "spare-" + std::to_string(n); }

SegmentMaker::SegmentMaker(const std::string& directory, NewSegment what)
    : what_(std::move(what)), path_(directory + "/" + raw_name(what_.index)), temporary_(path_ + ".tmp") {}

SegmentMaker::~SegmentMaker() {
  if (!named_) remove_file(temporary_);
}

Result<std::unique_ptr<SegmentMaker>> SegmentMaker::begin(const std::string& directory, NewSegment what) {
  std::unique_ptr<SegmentMaker> maker(new SegmentMaker(directory, std::move(what)));
  if (const auto started = maker->start(); !started) return started.error().while_("making " + maker->path_);
  return maker;
}

Result<void> SegmentMaker::start() {
  RawHeader& h = made_.header;
  h.magic = kRawMagic;
  h.version = kVersion;
  h.header_bytes = sizeof h;
  h.index = what_.index;
  h.created_unix_ns = what_.created_unix_ns;
  h.fingerprint = what_.fingerprint;
  if (what_.cipher != nullptr) h.encryption_key = what_.cipher->id();
  made_.cipher = what_.cipher;
  if (::getrandom(h.key.data(), h.key.size(), 0) != static_cast<ssize_t>(h.key.size())) return system_error("getting random bytes");
  h.checksum = header_checksum(h);

  auto file = blank_file(temporary_, what_);
  if (!file) return file.error();
  made_.file = *file;
  made_.size = what_.segment_bytes;
  if (const auto written = made_.file->write(object_bytes(h), 0); !written) return written.error();
  ARBITER_TESTPOINT("rotate.header_written");
  table_ = std::make_unique<TableWriter>(made_.file, sizeof h, h.key, what_.cipher);
  return {};
}

Result<void> SegmentMaker::name(const Table& table) {
  const RawHeader& h = made_.header;
  const FramePlace place{
      .key = h.key, .previous = h.checksum, .number = table.last_frame, .written_unix_ns = h.created_unix_ns, .edge = table.edge};
  const auto frame = table_->finish(place, table);
  if (!frame) return frame.error();
  ARBITER_TESTPOINT("rotate.table_written");
  made_.end = sizeof h + frame->bytes;
  made_.previous = frame->checksum;
  const auto size = made_.file->size();
  if (!size) return size.error();
  made_.size = *size;
  if (auto renamed = rename_file(temporary_, path_); !renamed) return renamed;
  named_ = true;
  ARBITER_TESTPOINT("rotate.named");
  return {};
}

Result<RawSegment> SegmentMaker::finish(const Table& table) {
  if (const auto named = name(table); !named) return named.error().while_("making " + path_);
  return std::move(made_);
}

namespace {

// But for the participant's state, or all of it.
enum class OfTable : std::uint8_t { but_state, all };

// Error of code 0: there is none, or it is damaged.
Result<void> open_table(OpenedRaw& opened, const std::string& path, OfTable wanted) {
  RawSegment& s = opened.segment;
  const std::uint64_t offset = sizeof s.header;
  if (wanted == OfTable::but_state) {
    auto seen = look_at_table(*s.file, offset, s.size, s.header.key, s.cipher);
    if (!seen) return seen.error().while_(path);
    if (!*seen || (*seen)->previous != s.header.checksum) return Error{path + ": its table is damaged"};
    opened.table = std::move((*seen)->table);
    s.end = offset + (*seen)->frame.bytes;
    s.previous = (*seen)->frame.checksum;
    return {};
  }
  FrameStream frames(s, offset, s.size, s.header.checksum);
  const auto frame = frames.next();
  auto table = frame ? read_table(*frame, s.cipher) : std::nullopt;
  if (frames.failed()) return frames.failed()->while_(path);
  if (!table) return Error{path + ": its table is damaged"};
  opened.table = std::move(*table);
  opened.whole = true;
  s.end = frames.next_offset();
  s.previous = frames.previous();
  return {};
}

Result<OpenedRaw> opened_raw(const std::string& path, const crypt::Keyring& keys, OfTable wanted) {
  OpenedRaw opened;
  RawSegment& s = opened.segment;
  auto file = File::open(path, O_RDWR);
  if (!file) return file.error();
  s.file = *file;
  const auto size = s.file->size();
  if (!size) return size.error();
  s.size = *size;
  const auto got = s.file->read(std::as_writable_bytes(std::span<RawHeader, 1>(&s.header, 1)), 0);
  if (!got) return got.error().while_(path);
  const RawHeader& h = s.header;
  if (*got != sizeof h || h.magic != kRawMagic || h.checksum != header_checksum(h))
    return Error{path + ": is not a segment of a journal, or its header is damaged"};
  if (h.version != kVersion)
    return Error{
        path + ": is of version " + std::to_string(h.version) + " of the journal: this collector reads version " + std::to_string(kVersion),
        EPROTO};
  if (h.encryption_key != crypt::KeyId{}) {
    s.cipher = keys.find(h.encryption_key);
    if (s.cipher == nullptr) return unknown_key(path, h.encryption_key);
  }
  if (const auto table = open_table(opened, path, wanted); !table) return table.error();
  return opened;
}

}  // namespace

Result<OpenedRaw> open_raw_segment(const std::string& path, const crypt::Keyring& keys) { return opened_raw(path, keys, OfTable::all); }

Result<OpenedRaw> look_at_raw_segment(const std::string& path, const crypt::Keyring& keys) {
  return opened_raw(path, keys, OfTable::but_state);
}

Result<std::uint64_t> raw_segment_index(const std::string& path) {
  RawHeader h{};
  const auto file = File::open(path, O_RDONLY);
  if (!file) return file.error();
  const auto got = (*file)->read(std::as_writable_bytes(std::span<RawHeader, 1>(&h, 1)), 0);
  if (!got) return got.error().while_(path);
  if (*got != sizeof h || h.magic != kRawMagic || h.checksum != header_checksum(h)) return Error{path + ": its header is damaged"};
  return h.index;
}

std::span<const std::byte> FrameStream::peek(std::size_t bytes) {
  if (offset_ >= end_) return {};
  bytes = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, end_ - offset_));
  if (offset_ < buffer_at_ || offset_ + bytes > buffer_at_ + buffer_bytes_) {
    const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(bytes, kReadAhead), end_ - offset_));
    if (buffer_room_ < want) {  // what is in it is read again, and nothing is filled in that is
      buffer_ = std::make_unique_for_overwrite<std::byte[]>(want);
      buffer_room_ = want;
    }
    const auto got = segment_.file->read(std::span(buffer_.get(), want), offset_);
    buffer_at_ = offset_;
    buffer_bytes_ = got ? *got : 0;
    if (!got) failed_ = got.error();
  }
  const auto from = static_cast<std::size_t>(offset_ - buffer_at_);
  return std::span<const std::byte>(buffer_.get() + from, std::min(bytes, buffer_bytes_ - from));
}

std::optional<Frame> FrameStream::at() {
  const SegmentKey& key = segment_.header.key;
  const auto length = frame_length(peek(sizeof(FrameHeader)), key);
  auto frame = length ? parse_frame(peek(*length), key) : std::nullopt;
  if (!frame || segment_.cipher == nullptr || frame->header.type == FrameType::table) return frame;
  decrypted_.assign(frame->body.begin(), frame->body.end());
  if (!decrypt_body(decrypted_, key, frame->header.number, *segment_.cipher)) return std::nullopt;
  frame->body = decrypted_;
  return frame;
}

std::optional<Frame> FrameStream::next() {
  const auto frame = at();
  if (ARBITER_WRONG("recycled_without_id")) chained_ = false;
  if (!frame || (chained_ && frame->header.previous != previous_)) return std::nullopt;
  chained_ = true;
  frame_at_ = offset_;
  offset_ += frame->bytes();
  previous_ = frame->header.checksum;
  return frame;
}

bool FrameStream::resynchronise(std::uint64_t before) {
  for (offset_ += 8; offset_ < before && offset_ + sizeof(FrameHeader) <= end_; offset_ += 8) {
    if (!at()) continue;
    chained_ = false;
    return true;
  }
  return false;
}

}  // namespace arbiter::journal
