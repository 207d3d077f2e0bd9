// A file of the journal: a raw segment, or a sealed one. Frames are checked as recovery checks them.
#include <fcntl.h>

#include <map>
#include <vector>

#include "collector/journal/encryption.hpp"
#include "collector/journal/file.hpp"
#include "collector/journal/frame.hpp"
#include "collector/snapshot/event_json.hpp"
#include "tools/arbiter-inspect/report.hpp"
#include "tools/arbiter-inspect/sealed.hpp"

namespace arbiter::inspect {
namespace {

using journal::EntryReader;
using journal::EntryType;
using journal::File;
using journal::Frame;
using journal::FrameHeader;

}  // namespace

void FrameCount::add(const Frame& frame, const EventLine& line) {
  ++frames;
  if (frames == 1) first_frame = frame.header.number;
  last_frame = frame.header.number;
  last_written_ns = frame.header.written_unix_ns;
  if ((frame.header.flags & journal::kClears) != 0) ++clears;
  if (frame.header.type == journal::FrameType::table) {
    ++tables;
    return;
  }
  std::string text;
  EntryReader entries(frame.body);
  while (entries.next()) {
    switch (entries.type()) {
      case EntryType::events: {
        journal::EventReader stored(entries);
        while (stored.next()) {
          const event::Values& values = stored.values();
          const std::int64_t time = event_time_ns(static_cast<std::int64_t>(values.stamp), values.time_ns);
          oldest_ns = std::min(oldest_ns, time);
          newest_ns = std::max(newest_ns, time);
          ++events;
          const std::string_view type = schema::info(values.kind).type;
          ++events_by_type[type.empty() ? std::string("(generic)") : std::string(type)];
          if (!line) continue;
          text.clear();
          snapshot::append_event_json(text, stored.lane(), values);
          line(text);
        }
        break;
      }
      case EntryType::cursors: cursors += entries.count(); break;
      case EntryType::closes: lanes_closed += entries.count(); break;
      case EntryType::amendment: ++amendments; break;
      case EntryType::clear: break;
      case EntryType::anchor: break;
    }
  }
  if (!entries.good()) ++bad_frames;
}

void FrameCount::show(boost::json::object& facts) const {
  facts["frames"] = frames;
  if (frames > 0) {
    facts["firstFrame"] = first_frame;
    facts["lastFrame"] = last_frame;
    facts["lastWritten"] = time_text(last_written_ns);
  }
  facts["tables"] = tables;
  facts["events"] = events;
  if (events > 0) {
    facts["oldestEvent"] = time_text(oldest_ns);
    facts["newestEvent"] = time_text(newest_ns);
    boost::json::object types;
    for (const auto& [type, count] : events_by_type) types[type] = count;
    facts["eventsByType"] = std::move(types);
  }
  facts["amendments"] = amendments;
  facts["lanesClosed"] = lanes_closed;
  if (clears > 0) facts["clears"] = clears;
  if (bad_frames > 0) facts["damagedFrames"] = bad_frames;
}

Result<Report> not_decrypted(Report report, const EventLine& line) {
  report.facts["content"] = "encrypted: name the file of its key with --key-file to see what is in it";
  if (line)
    return Error{report.facts.at("file").get_string().c_str() + std::string(": is encrypted: name the file of its key with --key-file")};
  return report;
}

namespace {

Result<Report> raw_segment(const File& file, Report report, const EventLine& line, const crypt::Keyring& keys) {
  journal::RawHeader header{};
  const auto got = file.read(std::as_writable_bytes(std::span(&header, 1)), 0);
  if (!got) return got.error();
  boost::json::object& facts = report.facts;
  facts["kind"] = "journal segment, raw";
  const auto damaged = [&](const std::string& what) {
    report.sound = false;
    facts["damaged"] = what;
    return std::move(report);
  };
  if (*got < sizeof header) return damaged("shorter than its header");
  if (header.version != journal::kVersion)
    return damaged("of version " + std::to_string(header.version) + ", which this program does not know");
  if (journal::header_checksum(header) != header.checksum) return damaged("its header does not check out");
  facts["index"] = header.index;
  facts["key"] = hex_text(header.key.data(), header.key.size());
  facts["created"] = time_text(header.created_unix_ns);
  facts["anonymizationKey"] = header.fingerprint == journal::Fingerprint{} ? "none: not anonymised"
                                                                           : hex_text(header.fingerprint.data(), header.fingerprint.size());

  const auto cipher = keys.find(header.encryption_key);
  if (header.encryption_key != crypt::KeyId{}) {
    facts["encryptionKey"] = hex_text(header.encryption_key.data(), header.encryption_key.size());
    if (cipher == nullptr) return not_decrypted(std::move(report), line);
  }
  FrameCount count;
  std::uint64_t at = header.header_bytes, previous = header.checksum;
  std::vector<std::byte> bytes;
  for (;;) {
    bytes.resize(sizeof(FrameHeader));
    const auto head = file.read(bytes, at);
    if (!head) return head.error();
    if (*head < bytes.size()) break;
    const auto length = journal::frame_length(bytes, header.key);
    if (!length) break;
    bytes.resize(*length);
    const auto whole = file.read(bytes, at);
    if (!whole) return whole.error();
    if (*whole < bytes.size()) break;
    const auto frame = journal::parse_frame(bytes, header.key);
    if (!frame || frame->header.previous != previous) break;
    if (cipher != nullptr && frame->header.type != journal::FrameType::table &&
        !journal::decrypt_body(std::span(bytes).subspan(sizeof(FrameHeader)), header.key, frame->header.number, *cipher))
      break;
    previous = frame->header.checksum;
    at += *length;
    count.add(*frame, line);
  }
  facts["usedBytes"] = at;
  count.show(facts);
  report.sound = report.sound && count.bad_frames == 0;
  return report;
}

}  // namespace

Result<Report> inspect_journal(const std::string& path, const EventLine& line, const crypt::Keyring& keys) {
  const auto file = File::open(path, O_RDONLY);
  if (!file) return file.error();
  Report report;
  report.facts["file"] = path;
  report.facts["kind"] = "journal file";
  const auto size = (*file)->size();
  if (!size) return size.error();
  report.facts["bytes"] = *size;
  std::uint64_t magic = 0;
  const auto got = (*file)->read(std::as_writable_bytes(std::span(&magic, 1)), 0);
  if (!got) return got.error();
  if (magic == journal::kRawMagic) return raw_segment(**file, std::move(report), line, keys);
  if (magic == journal::kSealedMagic) return sealed_segment(*file, std::move(report), line, keys);
  report.facts["kind"] = "journal checkpoint";
  if (magic == kEncryptedMagic) report.facts["encrypted"] = true;
  report.facts["content"] = "the state at some frame, for a faster start: it holds no events";
  return report;
}

}  // namespace arbiter::inspect
