#include "tools/arbiter-inspect/sealed.hpp"

#include <xxhash.h>

#include "collector/journal/chunk.hpp"

namespace arbiter::inspect {
namespace {

// Counts the frames of a chunk; false: there is something else in it.
bool count_frames(std::span<const std::byte> raw, const journal::SegmentFile& file, FrameCount& count, const EventLine& line) {
  while (!raw.empty()) {
    const auto frame = journal::parse_frame(raw, file.key, file.cipher != nullptr);
    if (!frame) return false;
    count.add(*frame, line);
    raw = raw.subspan(frame->bytes());
  }
  return true;
}

}  // namespace

Result<Report> sealed_segment(const std::shared_ptr<journal::File>& file, Report report, const EventLine& line,
                              const crypt::Keyring& keys) {
  boost::json::object& facts = report.facts;
  facts["kind"] = "journal segment, sealed";
  const auto damaged = [&](const std::string& what) {
    report.sound = false;
    facts["damaged"] = what;
    return std::move(report);
  };
  const auto size = file->size();
  if (!size) return size.error();
  journal::SealedHeader header{};
  const auto got = file->read(std::as_writable_bytes(std::span(&header, 1)), 0);
  if (!got) return got.error();
  if (*got < sizeof header) return damaged("shorter than its header");
  if (header.version != journal::kVersion)
    return damaged("of version " + std::to_string(header.version) + ", which this program does not know");
  if (XXH3_64bits(&header, offsetof(journal::SealedHeader, checksum)) != header.checksum) return damaged("its header does not check out");
  facts["index"] = header.index;
  facts["key"] = hex_text(header.key.data(), header.key.size());
  facts["created"] = time_text(header.created_unix_ns);
  facts["anonymizationKey"] = header.fingerprint == journal::Fingerprint{} ? "none: not anonymised"
                                                                           : hex_text(header.fingerprint.data(), header.fingerprint.size());

  journal::SealedTrailer trailer{};
  std::uint64_t end = *size;
  if (*size >= sizeof header + sizeof trailer) {
    const auto tail = file->read(std::as_writable_bytes(std::span(&trailer, 1)), *size - sizeof trailer);
    if (!tail) return tail.error();
  }
  if (trailer.magic == journal::kTrailerMagic && trailer.footer_offset <= *size) {
    end = trailer.footer_offset;
    facts["link"] = hex_text(trailer.link.data(), trailer.link.size());
  } else {
    report.sound = false;
    facts["damaged"] = "its trailer is missing: the file is not complete";
  }

  const auto cipher = keys.find(header.encryption_key);
  if (header.encryption_key != crypt::KeyId{}) {
    facts["encryptionKey"] = hex_text(header.encryption_key.data(), header.encryption_key.size());
    if (cipher == nullptr) return not_decrypted(std::move(report), line);
  }
  const journal::SegmentFile segment{file, header.key, header.index, true, cipher};
  journal::BlockBuffer buffer;
  FrameCount count;
  std::uint64_t blocks = 0, bad_blocks = 0, raw_bytes = 0;
  for (std::uint64_t at = sizeof header; at + sizeof(journal::ChunkHeader) <= end;) {
    const auto found = journal::look_at_chunk(segment, at);
    if (!found || found->second.stored_bytes > end - at) {
      ++bad_blocks;  // where the next one begins is not known
      break;
    }
    const auto& [number, place] = *found;
    at += place.stored_bytes;
    const auto raw = journal::read_chunk(segment, place, number, buffer);
    if (!raw) {
      ++bad_blocks;
      continue;
    }
    if (number == journal::kAmendmentsChunk) continue;  // copies of what is in the frames
    if (!count_frames(*raw, segment, count, line)) {
      ++bad_blocks;
      continue;
    }
    if (number != journal::kTableChunk) ++blocks;
    raw_bytes += raw->size();
  }
  facts["blocks"] = blocks;
  facts["uncompressedBytes"] = raw_bytes;
  count.show(facts);
  if (bad_blocks > 0) facts["damagedBlocks"] = bad_blocks;
  report.sound = report.sound && bad_blocks == 0 && count.bad_frames == 0;
  return report;
}

}  // namespace arbiter::inspect
