#include "tests/fuzz/made_journal.hpp"

#include <sys/types.h>
#include <xxhash.h>

#include <chrono>
#include <thread>
#include <vector>

#include "collector/journal/frame.hpp"
#include "collector/journal/sealed_file.hpp"
#include "shm/event.hpp"

// Random keys would make each journal another one, and an input that crashed would not do so again: here the same ones come in turn.
extern "C" ssize_t getrandom(void* buffer, size_t bytes, unsigned) noexcept {
  static unsigned turn = 0;
  auto* const out = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<unsigned char>(++turn * 2654435761u >> 13);
  return static_cast<ssize_t>(bytes);
}

namespace arbiter::fuzz {
namespace {

using namespace journal;

constexpr std::uint64_t kSecond = 1'000'000'000;

LaneId lane(std::uint8_t n) {
  LaneId id;
  id.segment.fill(n);
  id.lane = n;
  return id;
}

event::Values generic(std::uint64_t sequence, std::string_view type) {
  event::Values v;
  v.kind = Kind::generic;
  v.sequence = sequence;
  v.stamp = sequence * kSecond;
  v.set_text(schema::field(Kind::generic, "type"), type);
  v.set_text(schema::field(Kind::generic, "data"), std::string_view(R"({"n":1})"));
  return v;
}

event::Values execution(std::uint64_t sequence) {
  event::Values v;
  v.kind = Kind::task_execution;
  v.sequence = sequence;
  v.stamp = sequence * kSecond;
  v.set_text(schema::field(Kind::task_execution, "taskId"), std::string_view("task"));
  v.set_text(schema::field(Kind::task_execution, "agentId"), std::string_view("agent"));
  v.set_flag(schema::field(Kind::task_execution, "outcome.success"), true);
  return v;
}

EventRef put(Journal& journal, Counter& counter, const LaneId& id, Cursor& cursor, event::Values v) {
  const EventRef ref = journal.append(id, v);
  ++counter.events;
  cursor.sequence = v.sequence;
  ++cursor.delivered;
  ++cursor.attempted;
  cursor.position.value += event::encoded_bytes(v) / abi::kRecordBytes + 1;
  journal.advance(id, cursor);
  return ref;
}

void must_be(const Result<void>& result) {
  if (!result) fail(result.error().message.c_str());
}

template <class T>
T load(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}
template <class T>
void store(std::string& bytes, std::size_t at, const T& value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

void mend_raw(std::string& bytes) {
  if (bytes.size() < sizeof(RawHeader)) return;
  auto header = load<RawHeader>(bytes, 0);
  header.checksum = header_checksum(header);
  store(bytes, 0, header);
  std::uint64_t previous = header.checksum;
  for (std::size_t at = sizeof header; at + sizeof(FrameHeader) <= bytes.size();) {
    auto frame = load<FrameHeader>(bytes, at);
    if (frame.magic != kFrameMagic || frame.body_bytes > bytes.size() - at - sizeof frame) return;
    frame.segment = load<std::uint64_t>(bytes, offsetof(RawHeader, key));
    frame.previous = previous;
    store(bytes, at, frame);
    const std::size_t whole = sizeof frame + frame.body_bytes;
    previous = XXH3_64bits_withSeed(bytes.data() + at + 8, whole - 8, checksum_seed(header.key));
    store(bytes, at, previous);
    at += whole;
  }
}

void mend_sealed(std::string& bytes) {
  if (bytes.size() < sizeof(SealedHeader) + sizeof(SealedTrailer)) return;
  auto header = load<SealedHeader>(bytes, 0);
  header.checksum = XXH3_64bits(&header, offsetof(SealedHeader, checksum));
  store(bytes, 0, header);
  for (std::size_t at = sizeof header; at + sizeof(ChunkHeader) <= bytes.size();) {
    auto chunk = load<ChunkHeader>(bytes, at);
    const std::size_t whole = sizeof chunk + padded(chunk.stored_bytes);
    if (chunk.magic != kChunkMagic || whole > bytes.size() - at) break;
    chunk.checksum = 0;
    store(bytes, at, chunk);
    chunk.checksum = XXH3_64bits_withSeed(bytes.data() + at, whole, checksum_seed(header.key));
    store(bytes, at, chunk);
    at += whole;
  }
  auto trailer = load<SealedTrailer>(bytes, bytes.size() - sizeof(SealedTrailer));
  if (trailer.footer_offset > bytes.size() || trailer.footer_bytes > bytes.size() - trailer.footer_offset) return;
  const std::string_view footer = std::string_view(bytes).substr(trailer.footer_offset, trailer.footer_bytes);
  trailer.footer_checksum = XXH3_64bits(footer.data(), footer.size());
  trailer.link = link_of(footer, {});
  store(bytes, bytes.size() - sizeof trailer, trailer);
}

}  // namespace

void Counter::save(const std::function<void(std::string_view)>& out) const { out(journal::view_of(journal::object_bytes(events))); }

bool Counter::load(std::string_view bytes) {
  if (bytes.size() != sizeof events) return false;
  std::memcpy(&events, bytes.data(), sizeof events);
  return true;
}

Options journal_options(const fs::path& directory) {
  Options options;
  options.directory = directory;
  options.segment_bytes = 6144;
  options.sync = SyncPolicy::never;
  return options;
}

std::map<std::string, std::string> made_journal() {
  const Directory directory("journal-made");
  Counter counter;
  auto journal = Journal::open(journal_options(directory.path()), counter);
  if (!journal) fail(journal.error().message.c_str());
  Journal& j = **journal;
  Cursor a, b;
  j.open_lane(lane(1), a);
  j.open_lane(lane(2), b);
  std::uint64_t sequence = 0;
  const auto batch = [&] {
    put(j, counter, lane(1), a, generic(++sequence, "one"));
    const EventRef late = put(j, counter, lane(1), a, execution(++sequence));
    put(j, counter, lane(2), b, generic(sequence, "two"));
    event::Values patch = execution(sequence);
    patch.present = patch.truth = 0;
    patch.set_time(schema::field(Kind::task_execution, "startedAtNs"), 1);
    j.amend(late, patch);
    must_be(j.commit());
  };
  batch();
  j.retain(1);
  Retention two_out;
  two_out.max_events = 1;
  j.set_retention(two_out);
  j.retain(2);
  j.set_retention({});
  must_be(j.clear());
  counter.events = 0;
  for (int waits = 0; j.statistics().sealed < 2; ++waits) {
    batch();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    must(waits < 500, "two segments are sealed");
  }
  j.close_lane(lane(2), b, 1);
  must_be(j.commit());
  must_be(j.checkpoint());
  for (int waits = 0; !fs::exists(directory.path() / "checkpoint"); ++waits) {  // another thread writes it
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    must(waits < 1000, "the checkpoint is written");
  }
  const std::uint64_t segments = j.statistics().segments;
  put(j, counter, lane(1), a, generic(++sequence, "one"));
  must_be(j.commit());
  must(j.statistics().segments == segments, "the newest segment has frames behind its checkpoint");
  journal->reset();
  std::map<std::string, std::string> files;
  std::size_t sealed = 0;
  for (const auto& entry : fs::directory_iterator(directory.path()))
    if (!entry.path().filename().string().starts_with("spare")) files[entry.path().filename()] = read_file(entry.path());
  for (const auto& [name, bytes] : files) sealed += name.ends_with(".sealed") ? 1u : 0u;
  must(sealed >= 2 && files.size() >= sealed + 2 && files.contains("checkpoint"), "sealed segments, a raw one and a checkpoint");
  return files;
}

Result<void> record_one(Journal& journal, Counter& counter) {
  const Cursor* const known = journal.cursor(lane(9));
  Cursor cursor = known == nullptr ? Cursor{} : *known;
  if (known == nullptr) journal.open_lane(lane(9), cursor);
  put(journal, counter, lane(9), cursor, generic(cursor.sequence + 1, "after"));
  return journal.commit();
}

void mend(std::string_view name, std::string& bytes) {
  if (name.ends_with(".journal")) return mend_raw(bytes);
  if (name.ends_with(".sealed")) return mend_sealed(bytes);
  if (bytes.size() >= 8) store(bytes, bytes.size() - 8, XXH3_64bits(bytes.data(), bytes.size() - 8));
}

}  // namespace arbiter::fuzz
