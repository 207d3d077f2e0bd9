// What the tests of the journal share: a directory of their own, events to put in, a participant that knows what it has been given.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "collector/journal/file.hpp"
#include "collector/journal/format.hpp"
#include "collector/journal/journal.hpp"
#include "collector/journal/totals.hpp"

namespace arbiter::journal::test {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "arbiter-journal-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string journal() const { return path_ + "/journal"; }

 private:
  std::string path_;
};

// An event of its own memory.
struct MadeEvent {
  std::string bytes;
  event::Values values;
  explicit MadeEvent(const event::Values& v) : bytes(event::encoded_bytes(v), '\0') {
    event::encode(v, reinterpret_cast<std::byte*>(bytes.data()));
    REQUIRE(event::decode(span(), values, event::kStoredEventBytesMax) == event::Malformed::none);
  }
  MadeEvent(const MadeEvent&) = delete;
  MadeEvent& operator=(const MadeEvent&) = delete;
  std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes)); }
};

inline LaneId lane(std::uint8_t segment, std::uint32_t n = 0) {
  LaneId id;
  for (std::size_t i = 0; i < id.segment.size(); ++i) id.segment[i] = static_cast<std::uint8_t>(segment * 31 + i * 7);
  id.lane = n;
  return id;
}

inline event::Values head(Kind kind, std::uint64_t sequence, std::int64_t stamp_ns, std::int64_t own_ns = abi::kNoTime) {
  event::Values v;
  v.kind = kind;
  v.stamp = static_cast<std::uint64_t>(stamp_ns);
  v.sequence = sequence;
  v.time_ns = own_ns;
  return v;
}

inline event::Values execution(std::uint64_t sequence, std::int64_t stamp_ns, bool success, std::optional<std::int64_t> started_ns,
                               std::string_view task = "task", std::int64_t own_ns = abi::kNoTime) {
  event::Values v = head(Kind::task_execution, sequence, stamp_ns, own_ns);
  v.set_text(schema::field(Kind::task_execution, "taskId"), task);
  v.set_text(schema::field(Kind::task_execution, "agentId"), std::string_view("agent"));
  v.set_flag(field::kSuccess, success);
  if (started_ns) v.set_time(field::kStarted, *started_ns);
  return v;
}

inline event::Values decision(std::uint64_t sequence, std::int64_t stamp_ns, std::string_view task = "task",
                              std::int64_t own_ns = abi::kNoTime) {
  event::Values v = head(Kind::routing_decision, sequence, stamp_ns, own_ns);
  v.set_text(schema::field(Kind::routing_decision, "taskId"), task);
  v.set_text(schema::field(Kind::routing_decision, "selectedAgent"), std::string_view("agent"));
  return v;
}

inline event::Values generic(std::uint64_t sequence, std::int64_t stamp_ns, std::string_view type, std::string_view data = "{}",
                             std::int64_t own_ns = abi::kNoTime) {
  event::Values v = head(Kind::generic, sequence, stamp_ns, own_ns);
  v.set_text(field::kGenericType, type);
  v.set_text(schema::field(Kind::generic, "data"), data);
  return v;
}

// Remembers, in order, what it was given; that is its state.
class Recorder final : public Participant {
 public:
  std::uint64_t events = 0, clears = 0, hash = 0;

  void settle(const LaneId& lane, const event::Values& v) {
    ++events;
    for (const std::uint64_t n : {std::uint64_t{lane.segment[0]}, std::uint64_t{lane.lane}, v.sequence, v.stamp})
      hash = (hash ^ n) * 0x100000001b3ULL + 17;
  }
  void save(const std::function<void(std::string_view)>& out) const override {
    for (const std::uint64_t n : {events, clears, hash}) out(view_of(object_bytes(n)));
  }
  bool load(std::string_view bytes) override {
    if (bytes.size() != 24) return false;
    std::memcpy(&events, bytes.data(), 8);
    std::memcpy(&clears, bytes.data() + 8, 8);
    std::memcpy(&hash, bytes.data() + 16, 8);
    return true;
  }
  void replay(const LaneId& lane, const event::Values& stored, const EventRef& ref) override {
    CHECK(ref.sequence == stored.sequence);
    settle(lane, stored);
  }
  void replay_clear() override { ++clears; }
  bool operator==(const Recorder& o) const { return events == o.events && clears == o.clears && hash == o.hash; }
};

// Ids of the files there are, by the ending of their names.
inline std::vector<std::string> files(const std::string& directory, std::string_view ending) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().string().ends_with(ending)) found.push_back(entry.path().string());
  std::sort(found.begin(), found.end());
  return found;
}

template <class R>
void must(const R& result) {
  if (!result) FAIL(result.error().message);
}

// Where ARBITER_TEST_ENCRYPTED is set the tests go through encrypted files: what holds of a journal holds of an encrypted one.
inline crypt::Keyring test_keys() {
  static const auto cipher = std::getenv("ARBITER_TEST_ENCRYPTED") == nullptr
                                 ? nullptr
                                 : std::make_shared<const crypt::Cipher>(crypt::KeyId{7, 7}, crypt::CipherKey{1, 2, 3});
  return {cipher, {}};
}

// Segments that a test fills; nothing is synced.
inline Options options_in(const std::string& directory, std::uint64_t segment_bytes) {
  Options o;
  o.keys = test_keys();
  o.directory = directory;
  o.segment_bytes = segment_bytes;
  o.sync = SyncPolicy::never;
  return o;
}
inline Options options_in(const TempDir& dir, std::uint64_t segment_bytes) { return options_in(dir.journal(), segment_bytes); }

template <class R>
bool refused(const R& result) {
  return !result.has_value();
}

inline std::unique_ptr<Journal> open(const Options& options, Participant& participant) {
  auto opened = Journal::open(options, participant);
  if (!opened) FAIL(opened.error().message);
  return std::move(*opened);
}

// One event into the journal; `to` follows it.
inline EventRef put(Journal& journal, const LaneId& lane, const event::Values& values, Recorder* recorder = nullptr) {
  const MadeEvent made(values);
  const EventRef ref = journal.append(lane, made.values);
  if (recorder != nullptr) recorder->settle(lane, made.values);
  return ref;
}

}  // namespace arbiter::journal::test
