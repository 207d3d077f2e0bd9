#include "tools/arbiter-inspect/sealed.hpp"

#include <xxhash.h>
#include <zstd.h>

#include <memory>
#include <vector>

namespace arbiter::inspect {
namespace {

using journal::ChunkHeader;
using journal::File;

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

bool checks_out(ChunkHeader header, std::span<const std::byte> stored, const journal::SegmentKey& key) {
  const std::uint64_t expected = std::exchange(header.checksum, 0);
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  XXH3_64bits_reset_withSeed(state.get(), journal::checksum_seed(key));
  XXH3_64bits_update(state.get(), &header, sizeof header);
  XXH3_64bits_update(state.get(), stored.data(), stored.size());
  return XXH3_64bits_digest(state.get()) == expected;
}

// Counts the frames of a chunk; false: there is something else in it.
bool count_frames(std::span<const std::byte> raw, const journal::SegmentKey& key, FrameCount& count, const EventLine& line) {
  while (!raw.empty()) {
    const auto frame = journal::parse_frame(raw, key);
    if (!frame) return false;
    count.add(*frame, line);
    raw = raw.subspan(frame->bytes());
  }
  return true;
}

}  // namespace

Result<Report> sealed_segment(const File& file, Report report, const EventLine& line) {
  boost::json::object& facts = report.facts;
  facts["kind"] = "journal segment, sealed";
  const auto damaged = [&](const std::string& what) {
    report.sound = false;
    facts["damaged"] = what;
    return std::move(report);
  };
  const auto size = file.size();
  if (!size) return size.error();
  journal::SealedHeader header{};
  const auto got = file.read(std::as_writable_bytes(std::span(&header, 1)), 0);
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
    const auto tail = file.read(std::as_writable_bytes(std::span(&trailer, 1)), *size - sizeof trailer);
    if (!tail) return tail.error();
  }
  if (trailer.magic == journal::kTrailerMagic && trailer.footer_offset <= *size) {
    end = trailer.footer_offset;
    facts["link"] = hex_text(trailer.link.data(), trailer.link.size());
  } else {
    report.sound = false;
    facts["damaged"] = "its trailer is missing: the file is not complete";
  }

  FrameCount count;
  std::uint64_t blocks = 0, bad_blocks = 0, raw_bytes = 0;
  std::vector<std::byte> stored, raw;
  for (std::uint64_t at = header.header_bytes; at + sizeof(ChunkHeader) <= end;) {
    ChunkHeader chunk{};
    const auto head = file.read(std::as_writable_bytes(std::span(&chunk, 1)), at);
    if (!head) return head.error();
    if (chunk.magic != journal::kChunkMagic || chunk.stored_bytes > end - at - sizeof chunk) {
      ++bad_blocks;  // where the next one begins is not known
      break;
    }
    stored.resize(chunk.stored_bytes);
    const auto body = file.read(stored, at + sizeof chunk);
    if (!body) return body.error();
    at += sizeof chunk + journal::padded(chunk.stored_bytes);
    if (!checks_out(chunk, stored, header.key)) {
      ++bad_blocks;
      continue;
    }
    if (chunk.number == journal::kAmendmentsChunk) continue;  // copies of what is in the frames
    if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != chunk.raw_bytes ||
        chunk.raw_bytes > journal::kFrameBodyMax + journal::kBlockBytes) {
      ++bad_blocks;
      continue;
    }
    raw.resize(chunk.raw_bytes);
    const std::size_t out = ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
    if (ZSTD_isError(out) != 0 || out != raw.size() || !count_frames(raw, header.key, count, line)) {
      ++bad_blocks;
      continue;
    }
    if (chunk.number != journal::kTableChunk) ++blocks;
    raw_bytes += raw.size();
  }
  facts["blocks"] = blocks;
  facts["uncompressedBytes"] = raw_bytes;
  count.show(facts);
  if (bad_blocks > 0) facts["damagedBlocks"] = bad_blocks;
  report.sound = report.sound && bad_blocks == 0 && count.bad_frames == 0;
  return report;
}

}  // namespace arbiter::inspect
