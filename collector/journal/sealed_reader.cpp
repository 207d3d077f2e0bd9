#include <fcntl.h>
#include <xxhash.h>

#include "collector/journal/chunk.hpp"
#include "collector/journal/encryption.hpp"
#include "collector/journal/sealed_file.hpp"
#include "collector/journal/table_frame.hpp"
#include "collector/journal/wire.hpp"

namespace arbiter::journal {
namespace {

// A chunk lies before the footer; nobody is to make room for one that cannot be there.
bool get_place(Reader& in, std::uint64_t footer_offset, BlockPlace& place) {
  place.offset = in.get<std::uint64_t>();
  const auto stored = in.get<std::uint64_t>(), raw = in.get<std::uint64_t>();
  static_cast<void>(in.get<Link>());
  place.stored_bytes = static_cast<std::uint32_t>(stored);
  place.raw_bytes = static_cast<std::uint32_t>(raw);
  return stored <= footer_offset && place.offset <= footer_offset - stored && raw <= kFrameBodyMax;
}

// What an encrypted footer says before its filters; nothing: it is not what was written.
std::optional<std::string> decrypted_facts(std::string_view footer, const SegmentFile& file) {
  Reader in(footer);
  const auto bytes = in.get<std::uint64_t>();
  if (bytes < crypt::kOverhead || bytes > in.left()) return std::nullopt;
  std::string record(in.get_bytes(bytes));
  if (!decrypt_part(std::as_writable_bytes(std::span(record)), file.key, SealedPart::footer, 0, *file.cipher)) return std::nullopt;
  return record.substr(crypt::kOverhead);
}

bool read_footer(std::string_view footer, Sealed& sealed, std::uint64_t footer_offset, BlockPlace& amendments) {
  std::optional<std::string> decrypted;
  std::string_view facts = footer;
  if (sealed.file->cipher != nullptr) {
    decrypted = decrypted_facts(footer, *sealed.file);
    if (!decrypted) return false;
    facts = *decrypted;
  }
  Reader in(facts);
  ScannedSegment& scanned = sealed.scanned;
  static_cast<void>(in.get<SegmentKey>());
  static_cast<void>(in.get<std::uint64_t>());
  static_cast<void>(in.get<std::int64_t>());
  static_cast<void>(in.get<Fingerprint>());
  scanned.first_frame = in.get<std::uint64_t>();
  scanned.last_frame = in.get<std::uint64_t>();
  sealed.previous_index = in.get<std::uint64_t>();
  sealed.previous_link = in.get<Link>();
  bool placed = get_place(in, footer_offset, sealed.table);
  placed = get_place(in, footer_offset, amendments) && placed;
  std::vector<std::uint64_t> filter_at;
  for (std::uint64_t left = in.get_count(200); left > 0 && in.good(); --left) {
    ScannedBlock& b = scanned.blocks.emplace_back();
    placed = get_place(in, footer_offset, b.place) && placed;
    b.first_frame = in.get<std::uint64_t>();
    b.last_frame = in.get<std::uint64_t>();
    filter_at.push_back(in.get<std::uint64_t>());
    b.place.filter_words = static_cast<std::uint32_t>(in.get<std::uint64_t>());
    b.arrived = read_summary(in);
  }
  for (std::uint64_t left = in.get_count(16); left > 0 && in.good(); --left) {
    ScannedAmendment& a = scanned.amendments.emplace_back();
    a.place.offset = in.get<std::uint64_t>();
    a.place.bytes = static_cast<std::uint32_t>(in.get<std::uint64_t>());
  }
  const auto words = in.get<std::uint64_t>();
  const std::size_t before = decrypted ? sizeof(std::uint64_t) + crypt::kOverhead + facts.size() : facts.size() - in.left();
  if (!in.good() || footer.size() - before != 8 * words || (footer.size() - before) / 8 != words) return false;
  const std::uint64_t filters_at = footer_offset + before;
  for (std::size_t n = 0; n < scanned.blocks.size(); ++n) {
    BlockPlace& place = scanned.blocks[n].place;
    place.filter_offset = filters_at + 8 * filter_at[n];
    if (filter_at[n] > words || place.filter_words > words - filter_at[n]) place.filter_words = 0;
  }
  return placed && (!decrypted || in.left() == 0);
}

// The records behind the places, and what they give.
Result<void> read_amendments(Sealed& sealed, const BlockPlace& chunk) {
  BlockBuffer buffer;
  const auto entries = read_block(*sealed.file, chunk, kAmendmentsChunk, buffer);
  if (!entries) return entries.error().code == 0 ? Result<void>() : entries.error();  // damaged: they give nothing
  for (ScannedAmendment& a : sealed.scanned.amendments) {
    const std::uint64_t at = a.place.offset - chunk.offset - sizeof(ChunkHeader);
    if (at > entries->size() || a.place.bytes > entries->size() - at) continue;
    EntryReader entry(entries->subspan(at, a.place.bytes));
    if (!entry.next()) continue;
    if (const auto amendment = parse_amendment(entry)) {
      a.record = amendment->record;
      a.duration_ns = duration_given(*amendment);
    }
  }
  return {};
}

void list_amendments(Sealed& sealed, const BlockPlace& chunk) {
  BlockBuffer buffer;
  const auto bytes = read_block(*sealed.file, chunk, kAmendmentsChunk, buffer);
  if (!bytes) return;
  EntryReader entries(*bytes);
  while (entries.next())
    if (const auto amendment = parse_amendment(entries))
      sealed.scanned.amendments.push_back(
          {{chunk.offset + sizeof(ChunkHeader) + entries.offset(), entries.bytes()}, amendment->record, duration_given(*amendment)});
}

}  // namespace

Result<Sealed> open_sealed(const std::string& path, const LinkKey& key, const crypt::Keyring& keys) {
  const auto file = File::open(path, O_RDONLY);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  SealedHeader header{};
  if (const auto got = (*file)->read(std::as_writable_bytes(std::span<SealedHeader, 1>(&header, 1)), 0); !got)
    return got.error().while_(path);
  if (header.magic != kSealedMagic || header.checksum != XXH3_64bits(&header, offsetof(SealedHeader, checksum)))
    return Error{path + ": is not a sealed segment, or its header is damaged"};
  if (header.version != kVersion)
    return Error{path + ": is of version " + std::to_string(header.version) + " of the journal: this collector reads version " +
                     std::to_string(kVersion),
                 EPROTO};

  Sealed sealed;
  const bool encrypted = header.encryption_key != crypt::KeyId{};
  const auto cipher = encrypted ? keys.find(header.encryption_key) : nullptr;
  if (encrypted && cipher == nullptr) return unknown_key(path, header.encryption_key);
  sealed.file = std::make_shared<SegmentFile>(SegmentFile{*file, header.key, header.index, true, cipher});
  sealed.path = path;
  sealed.bytes = *size;
  sealed.created_unix_ns = header.created_unix_ns;
  sealed.fingerprint = header.fingerprint;

  SealedTrailer trailer{};
  std::string footer;
  bool good = *size >= sizeof header + sizeof trailer;
  if (good) {
    const auto got = (*file)->read(std::as_writable_bytes(std::span<SealedTrailer, 1>(&trailer, 1)), *size - sizeof trailer);
    if (!got) return got.error().while_(path);
    good = trailer.magic == kTrailerMagic && trailer.footer_offset <= *size && trailer.footer_bytes <= *size - trailer.footer_offset;
  }
  if (good) {
    footer.resize(trailer.footer_bytes);
    if (const auto got = (*file)->read(std::as_writable_bytes(std::span(footer)), trailer.footer_offset); !got)
      return got.error().while_(path);
    good = trailer.footer_checksum == XXH3_64bits(footer.data(), footer.size());
  }
  BlockPlace amendments;
  if (good) good = read_footer(footer, sealed, trailer.footer_offset, amendments);
  if (good) {
    sealed.link = trailer.link;
    sealed.link_checks = trailer.link == link_of(footer, key);
    if (!sealed.scanned.amendments.empty())
      if (const auto got = read_amendments(sealed, amendments); !got) return got.error().while_(path);
    return sealed;
  }
  sealed.footer_lost = true;
  sealed.link_checks = false;
  sealed.scanned = {};
  sealed.table = {};
  if (const auto table = look_at_chunk(*sealed.file, sizeof header);
      table && table->first == kTableChunk && table->second.stored_bytes <= *size - sizeof header)
    sealed.table = table->second;
  return sealed;
}

// Every chunk says what it is, and the frames in it say the rest.
void rescan(Sealed& sealed, GenericNames& names) {
  BlockBuffer buffer;
  std::uint32_t expected = 0;
  std::uint64_t raw_offset = 0;
  for (std::uint64_t offset = sizeof(SealedHeader); offset + sizeof(ChunkHeader) <= sealed.bytes;) {
    const auto place = look_at_chunk(*sealed.file, offset);
    if (!place || place->second.stored_bytes > sealed.bytes - offset) return;
    const auto& [number, chunk] = *place;
    offset += chunk.stored_bytes;
    if (number == kAmendmentsChunk) list_amendments(sealed, chunk);
    if (number >= kAmendmentsChunk) continue;
    if (number != expected++) return;
    const auto frames = read_block(*sealed.file, chunk, number, buffer);
    ScannedSegment one;
    if (frames) {
      auto left = *frames;
      while (const auto frame = parse_frame(left, sealed.file->key, true)) {
        left = left.subspan(frame->bytes());
        one.add(*frame, raw_offset, summarise(frame->body, key_of(frame->header.edge), names));
        raw_offset += frame->bytes();
      }
    }
    ScannedBlock& block = sealed.scanned.blocks.emplace_back();
    for (const ScannedBlock& b : one.blocks) block.arrived += b.arrived;
    block.first_frame = one.first_frame;
    block.last_frame = one.last_frame;
    block.place = chunk;
    if (one.first_frame > one.last_frame) {  // damaged too: its number is kept, nothing else is known of it
      block.first_frame = block.last_frame = sealed.scanned.last_frame;
      ++sealed.scanned.gaps;
      continue;
    }
    if (sealed.scanned.first_frame > sealed.scanned.last_frame) sealed.scanned.first_frame = one.first_frame;
    sealed.scanned.last_frame = one.last_frame;
  }
}

Result<Table> read_sealed_table(const Sealed& sealed) {
  BlockBuffer buffer;
  const auto bytes = read_block(*sealed.file, sealed.table, kTableChunk, buffer);
  if (!bytes) return bytes.error().while_(sealed.path);
  if (const auto frame = parse_frame(*bytes, sealed.file->key))
    if (auto table = read_table(*frame, sealed.file->cipher)) return std::move(*table);
  return Error{sealed.path + ": its table is damaged"};
}

}  // namespace arbiter::journal
