#include "collector/journal/checkpoint.hpp"

#include "collector/journal/wire.hpp"
#include "collector/journal/xxh3.hpp"

namespace arbiter::journal {

std::string encode_checkpoint(const Checkpoint& c) {
  const std::string fields = encode_fields(c.table);
  std::string bytes;
  bytes.reserve(fields.size() + c.table.participant.size() + 256);
  Writer out(bytes);
  out.put(kCheckpointMagic);
  out.put(kVersion);
  out.put(std::uint32_t{0});
  out.put(c.segment);
  out.put(c.key);
  out.put(c.frame_offset);
  out.put(c.frame_checksum);
  out.put_string(fields);
  out.put_string(c.table.participant);
  out.put(static_cast<std::uint64_t>(XXH3_64bits(bytes.data(), bytes.size())));
  return bytes;
}

std::optional<Checkpoint> decode_checkpoint(std::string_view bytes) {
  if (bytes.size() < 64) return std::nullopt;
  const std::string_view covered = bytes.substr(0, bytes.size() - 8);
  Reader check(bytes.substr(covered.size()));
  if (check.get<std::uint64_t>() != XXH3_64bits(covered.data(), covered.size())) return std::nullopt;
  Reader in(covered);
  if (in.get<std::uint64_t>() != kCheckpointMagic || in.get<std::uint32_t>() != kVersion) return std::nullopt;
  static_cast<void>(in.get<std::uint32_t>());
  Checkpoint c;
  c.segment = in.get<std::uint64_t>();
  c.key = in.get<SegmentKey>();
  c.frame_offset = in.get<std::uint64_t>();
  c.frame_checksum = in.get<std::uint64_t>();
  auto table = decode_fields(in.get_string());
  if (!table) return std::nullopt;
  c.table = std::move(*table);
  c.table.participant = in.get_string();
  if (!in.good()) return std::nullopt;
  return c;
}

}  // namespace arbiter::journal
