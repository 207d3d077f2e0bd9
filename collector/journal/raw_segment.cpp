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

Result<RawSegment> fill(const std::string& path, const NewSegment& what, const Table& table, const Participant& participant) {
  RawSegment made;
  RawHeader& h = made.header;
  h.magic = kRawMagic;
  h.version = kVersion;
  h.header_bytes = sizeof h;
  h.index = what.index;
  h.created_unix_ns = what.created_unix_ns;
  h.fingerprint = what.fingerprint;
  if (what.cipher != nullptr) h.encryption_key = what.cipher->id();
  made.cipher = what.cipher;
  if (::getrandom(h.key.data(), h.key.size(), 0) != static_cast<ssize_t>(h.key.size())) return system_error("getting random bytes");
  h.checksum = header_checksum(h);

  auto file = blank_file(path, what);
  if (!file) return file.error();
  made.file = *file;
  if (const auto written = made.file->write(object_bytes(h), 0); !written) return written.error();
  ARBITER_TESTPOINT("rotate.header_written");
  const FramePlace place{
      .key = h.key, .previous = h.checksum, .number = table.last_frame, .written_unix_ns = what.created_unix_ns, .edge = table.edge};
  const auto frame = write_table_frame(*made.file, sizeof h, place, table, participant, what.cipher.get());
  if (!frame) return frame.error();
  ARBITER_TESTPOINT("rotate.table_written");
  made.end = sizeof h + frame->bytes;
  made.previous = frame->checksum;
  const auto size = made.file->size();
  if (!size) return size.error();
  made.size = *size;
  return made;
}

}  // namespace

std::string raw_name(std::uint64_t index) { return numbered(index, "journal"); }
std::string sealed_name(std::uint64_t index) { return numbered(index, "sealed"); }
std::string spare_name(unsigned n) { return "spare-" + std::to_string(n); }

Result<RawSegment> make_raw_segment(const std::string& directory, const NewSegment& what, const Table& table,
                                    const Participant& participant) {
  const std::string path = directory + "/" + raw_name(what.index), temporary = path + ".tmp";
  auto made = fill(temporary, what, table, participant);
  if (!made) {
    remove_file(temporary);
    return made.error().while_("making " + path);
  }
  if (const auto named = rename_file(temporary, path); !named) {
    remove_file(temporary);
    return named.error();
  }
  ARBITER_TESTPOINT("rotate.named");
  return made;
}

namespace {

Result<OpenedRaw> opened_raw(const std::string& path, const crypt::Keyring& keys, OfTable wanted, std::vector<std::byte>& room) {
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
  FrameStream frames(s, sizeof h, s.size, h.checksum, std::move(room));
  const auto frame = frames.next();
  std::optional<Table> table;
  if (frame && frame->header.type == FrameType::table) table = read_table(*frame, s.cipher, wanted);
  room = frames.take_room();
  if (frames.failed()) return frames.failed()->while_(path);
  if (!table) return Error{path + ": its table is damaged"};
  opened.table = std::move(*table);
  s.end = frames.next_offset();
  s.previous = frames.previous();
  return opened;
}

}  // namespace

Result<OpenedRaw> open_raw_segment(const std::string& path, const crypt::Keyring& keys) {
  std::vector<std::byte> room;
  return opened_raw(path, keys, OfTable::all, room);
}

Result<OpenedRaw> look_at_raw_segment(const std::string& path, const crypt::Keyring& keys, std::vector<std::byte>& room) {
  return opened_raw(path, keys, OfTable::but_state, room);
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
    if (buffer_.size() < want) buffer_.resize(want);
    const auto got = segment_.file->read(std::span(buffer_).first(want), offset_);
    buffer_at_ = offset_;
    buffer_bytes_ = got ? *got : 0;
    if (!got) failed_ = got.error();
  }
  const auto from = static_cast<std::size_t>(offset_ - buffer_at_);
  return std::span<const std::byte>(buffer_).subspan(from, std::min(bytes, buffer_bytes_ - from));
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
