#include <fcntl.h>
#include <sodium.h>
#include <xxhash.h>

#include "collector/journal/chunk.hpp"
#include "collector/journal/encryption.hpp"
#include "collector/journal/large_chunk.hpp"
#include "collector/journal/sealed_file.hpp"
#include "collector/journal/task_filter.hpp"
#include "collector/journal/wire.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::journal {
namespace {

struct Placed {
  BlockPlace place;
  Link hash{};
};

void put_place(Writer& out, const Placed& p) {
  out.put(p.place.offset);
  out.put(std::uint64_t{p.place.stored_bytes});
  out.put(std::uint64_t{p.place.raw_bytes});
  out.put(p.hash);
}

// The sealed file as it grows.
class Output {
 public:
  Output(std::shared_ptr<File> file, const RawSegment& raw) : file_(std::move(file)), key_(raw.header.key), cipher_(raw.cipher.get()) {}

  Result<void> append(std::span<const std::byte> bytes) {
    auto written = file_->write(bytes, offset_);
    offset_ += bytes.size();
    return written;
  }
  Result<Placed> chunk(std::uint32_t number, std::span<const std::byte> raw, bool compressed) {
    const auto bytes = make_chunk(key_, number, raw, compressed, buffer_, cipher_);
    if (!bytes) return bytes.error();
    Placed placed;
    placed.place.offset = offset_;
    placed.place.stored_bytes = static_cast<std::uint32_t>(bytes->size());
    placed.place.raw_bytes = static_cast<std::uint32_t>(raw.size());
    crypto_generichash(placed.hash.data(), placed.hash.size(), reinterpret_cast<const unsigned char*>(bytes->data()), bytes->size(),
                       nullptr, 0);
    if (const auto written = append(*bytes); !written) return written.error();
    return placed;
  }
  Result<Placed> table(const File& raw, std::uint64_t raw_offset, std::uint32_t raw_bytes) {
    const auto chunk = write_large_chunk(key_, kTableChunk, raw, raw_offset, raw_bytes, *file_, offset_);
    if (!chunk) return chunk.error();
    Placed placed{{}, chunk->hash};
    placed.place.offset = offset_;
    placed.place.stored_bytes = chunk->stored_bytes;
    placed.place.raw_bytes = raw_bytes;
    offset_ += chunk->stored_bytes;
    return placed;
  }
  std::uint64_t offset() const { return offset_; }

 private:
  std::shared_ptr<File> file_;
  SegmentKey key_;
  const crypt::Cipher* cipher_;
  std::uint64_t offset_ = 0;
  std::vector<std::byte> buffer_;
};

// The footer before its filters, as it stands in an encrypted segment.
std::string encrypted_facts(std::string_view facts, const SegmentKey& key, const crypt::Cipher& cipher) {
  const std::uint64_t bytes = crypt::kOverhead + facts.size();
  std::string out;
  Writer(out).put(bytes);
  out.resize(sizeof bytes + bytes);
  encrypt_part(bytes_of(facts), key, SealedPart::footer, 0, cipher, std::as_writable_bytes(std::span(out)).subspan(sizeof bytes));
  return out;
}

Result<Sealed> write_sealed(const SealJob& job, const std::string& path, const Anchor& previous, const LinkKey& link_key,
                            const std::atomic<bool>& abort) {
  const RawHeader& raw = job.raw.header;
  GenericNames names = job.names;
  Sealed sealed;
  sealed.created_unix_ns = raw.created_unix_ns;
  sealed.fingerprint = raw.fingerprint;
  sealed.previous_index = previous.segment;
  sealed.previous_link = previous.link;
  auto read = scan_raw(job.raw, job.last_frame_before, {job.frames_end, job.frames_end}, names);
  if (!read) return read.error();
  ScannedSegment& scanned = sealed.scanned = std::move(*read);
  if (scanned.gaps != 0 || scanned.end != job.frames_end) return Error{"frames are damaged"};

  auto file = File::open(path, O_RDWR | O_CREAT | O_TRUNC);
  if (!file) return file.error();
  Output out(*file, job.raw);
  const crypt::Cipher* const cipher = job.raw.cipher.get();
  SealedHeader header{};
  header.magic = kSealedMagic;
  header.version = kVersion;
  header.header_bytes = sizeof header;
  header.key = raw.key;
  header.index = raw.index;
  header.created_unix_ns = raw.created_unix_ns;
  header.fingerprint = raw.fingerprint;
  if (cipher != nullptr) header.encryption_key = cipher->id();
  header.checksum = XXH3_64bits(&header, offsetof(SealedHeader, checksum));
  if (const auto written = out.append(object_bytes(header)); !written) return written.error();

  const SegmentFile from{job.raw.file, raw.key, raw.index, false, job.raw.cipher};
  BlockBuffer buffer;
  const auto table = out.table(*job.raw.file, sizeof(RawHeader), static_cast<std::uint32_t>(job.raw.end - sizeof(RawHeader)));
  if (!table) return table.error();
  sealed.table = table->place;
  ARBITER_TESTPOINT("seal.table_written");

  std::vector<Placed> blocks;
  std::vector<std::uint64_t> filters, filter_at;
  for (std::uint32_t n = 0; n < scanned.blocks.size(); ++n) {
    if (abort.load(std::memory_order_relaxed)) return Error{"aborted"};
    const auto frames = read_block(from, scanned.blocks[n].place, n, buffer);
    if (!frames) return frames.error();
    const auto placed = out.chunk(n, *frames, true);
    if (!placed) return placed.error();
    blocks.push_back(*placed);
    const auto filter = filter_of(*frames, raw.key);
    filter_at.push_back(filters.size());
    if (cipher == nullptr) {
      filters.insert(filters.end(), filter.begin(), filter.end());
    } else {
      filters.resize(filters.size() + kOverheadWords + filter.size());
      encrypt_part(std::as_bytes(std::span(filter)), raw.key, SealedPart::filter, n, *cipher,
                   std::as_writable_bytes(std::span(filters).subspan(filter_at.back())));
    }
    ARBITER_TESTPOINT("seal.block_written");
  }

  std::vector<std::byte> entries;
  std::vector<std::uint64_t> entry_at;
  for (const ScannedAmendment& a : scanned.amendments) {
    entry_at.push_back(entries.size());
    entries.resize(entries.size() + a.place.bytes);
    const auto got = job.raw.file->read(std::span(entries).last(a.place.bytes), a.place.offset);
    if (!got) return got.error();
  }
  const auto amendments = out.chunk(kAmendmentsChunk, entries, false);
  if (!amendments) return amendments.error();
  ARBITER_TESTPOINT("seal.amendments_written");

  std::string footer;
  Writer put(footer);
  put.put(raw.key);
  put.put(raw.index);
  put.put(raw.created_unix_ns);
  put.put(raw.fingerprint);
  put.put(scanned.first_frame);
  put.put(scanned.last_frame);
  put.put(previous.segment);
  put.put(previous.link);
  put_place(put, *table);
  put_place(put, *amendments);
  put.put(static_cast<std::uint64_t>(blocks.size()));
  for (std::size_t n = 0; n < blocks.size(); ++n) {
    const std::uint64_t words = (n + 1 < blocks.size() ? filter_at[n + 1] : filters.size()) - filter_at[n];
    put_place(put, blocks[n]);
    put.put(scanned.blocks[n].first_frame);
    put.put(scanned.blocks[n].last_frame);
    put.put(filter_at[n]);
    put.put(words);
    write_summary(put, scanned.blocks[n].arrived);
    scanned.blocks[n].place = blocks[n].place;
    scanned.blocks[n].place.filter_words = static_cast<std::uint32_t>(words);
  }
  put.put(static_cast<std::uint64_t>(scanned.amendments.size()));
  for (std::size_t n = 0; n < scanned.amendments.size(); ++n) {
    AmendmentPlace& place = scanned.amendments[n].place;
    place.offset = amendments->place.offset + sizeof(ChunkHeader) + entry_at[n];
    put.put(place.offset);
    put.put(std::uint64_t{place.bytes});
  }
  put.put(static_cast<std::uint64_t>(filters.size()));
  if (cipher != nullptr) footer = encrypted_facts(footer, raw.key, *cipher);
  const std::uint64_t filters_at = out.offset() + footer.size();
  for (std::size_t n = 0; n < blocks.size(); ++n) scanned.blocks[n].place.filter_offset = filters_at + 8 * filter_at[n];
  footer.append(reinterpret_cast<const char*>(filters.data()), 8 * filters.size());

  SealedTrailer trailer{};
  trailer.footer_offset = out.offset();
  trailer.footer_bytes = footer.size();
  trailer.footer_checksum = XXH3_64bits(footer.data(), footer.size());
  sealed.link = trailer.link = link_of(footer, link_key);
  trailer.version = kVersion;
  trailer.magic = kTrailerMagic;
  if (const auto written = out.append(bytes_of(footer)); !written) return written.error();
  ARBITER_TESTPOINT("seal.trailer_missing");
  if (const auto written = out.append(object_bytes(trailer)); !written) return written.error();
  ARBITER_TESTPOINT("seal.footer_written");
  if (const auto synced = (*file)->sync(); !synced) return synced.error();
  sealed.bytes = out.offset();
  sealed.file = std::make_shared<SegmentFile>(SegmentFile{*file, raw.key, raw.index, true, job.raw.cipher});
  return sealed;
}

}  // namespace

Link link_of(std::string_view footer, const LinkKey& key) {
  Link link;
  crypto_generichash(link.data(), link.size(), reinterpret_cast<const unsigned char*>(footer.data()), footer.size(), key.data(),
                     key.size());
  return link;
}

Result<Sealed> seal_segment(const SealJob& job, const Anchor& previous, const LinkKey& key, const std::atomic<bool>& abort) {
  const std::string path = job.directory + "/" + sealed_name(job.raw.header.index), temporary = path + ".tmp";
  auto sealed = write_sealed(job, temporary, previous, key, abort);
  if (!sealed) {
    remove_file(temporary);
    return sealed.error().while_("sealing " + path);
  }
  ARBITER_TESTPOINT("seal.synced");
  auto named = rename_file(temporary, path);
  ARBITER_TESTPOINT("seal.renamed");
  if (named) named = sync_directory(job.directory);
  if (!named) {
    remove_file(temporary);
    return named.error().while_("sealing " + path);
  }
  sealed->path = path;
  return sealed;
}

}  // namespace arbiter::journal
