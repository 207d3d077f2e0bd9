#include "collector/journal/increment.hpp"

#include <algorithm>
#include <utility>

namespace arbiter::journal {

Result<Increment::Read> Increment::read(Place& place, BlockBuffer& buffer, const std::function<void(const Frame&)>& visit) const {
  Read read;
  bool gap = false;
  const std::function<void(const Frame&)> checked = [&](const Frame& frame) {
    if (std::exchange(gap, false)) read.missing_until_ns = std::max(read.missing_until_ns, frame.header.written_unix_ns);
    visit(frame);
  };
  const auto skip_to = [&](std::uint64_t frame) {
    read.missing += frame - place.frame;
    place = {frame, 0, 0};
    gap = true;
  };
  for (const Part& part : blocks_) {
    if (part.last_frame <= place.frame) continue;
    if (part.first_frame > place.frame + 1) skip_to(part.first_frame - 1);
    const auto whole = read_part(part, place, buffer, checked);
    if (!whole) return whole.error();
    if (!*whole) skip_to(part.last_frame);
  }
  if (blocks_.size() < kBlocksMax && place.frame < facts_.committed) skip_to(facts_.committed);
  if (gap) read.missing_until_ns = INT64_MAX;
  return read;
}

// False: it is damaged; what comes before the damage has been visited.
Result<bool> Increment::read_part(const Part& part, Place& place, BlockBuffer& buffer, const std::function<void(const Frame&)>& visit) {
  const std::uint64_t end = part.place.offset + part.place.raw_bytes;
  std::uint64_t offset = part.place.offset;
  const bool goes_on = !part.file->sealed && place.segment == part.file->index && place.offset > offset && place.offset <= end;
  if (goes_on) offset = place.offset;
  const auto bytes = goes_on ? read_frames(*part.file, offset, static_cast<std::size_t>(end - offset), buffer)
                             : read_block(*part.file, part.place, part.number, buffer);
  if (!bytes && bytes.error().code != 0) return bytes.error();
  if (!bytes) return false;
  auto left = *bytes;
  while (!left.empty()) {
    const auto frame = next_frame(left, *part.file);
    if (!frame) return false;
    left = left.subspan(frame->bytes());
    offset += frame->bytes();
    if (frame->header.number <= place.frame) continue;
    visit(*frame);
    place = {frame->header.number, part.file->sealed ? 0 : part.file->index, offset};
  }
  return place.frame >= part.last_frame;
}

}  // namespace arbiter::journal
