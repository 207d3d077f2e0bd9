// The follower's checkpoint:
//
//   u64 magic, u32 version, u32 0, i64 creation of the store, i64 start of the collection, u64 frame, i64 complete from
//   sections: its name, then pieces (u64 length, bytes) up to one of length 0; a name of length 0 ends them
//   u64 XXH3-64 of all before
//
// Encrypted as a whole where there is a key (crypt/stream.hpp). Written under a temporary name, synced, renamed.
#include <fcntl.h>

#include "collector/aggregate/follower.hpp"
#include "collector/crypt/stream.hpp"
#include "collector/journal/wire.hpp"
#include "collector/journal/xxh3.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::aggregate {
namespace {

constexpr std::uint64_t kMagic = journal::magic_of("ARBFOLW1");
constexpr std::uint32_t kVersion = 1;
constexpr std::string_view kRoster = "roster", kOrphans = "orphans";
constexpr int kRestFactor = 50;  // a checkpoint takes a fiftieth of the time at most

class Output {
 public:
  Output(journal::File& file, const crypt::Cipher* cipher) : file_(file), state_(XXH3_createState()) {
    XXH3_64bits_reset(state_);
    if (cipher != nullptr) store(stream_.emplace(*cipher).header());
  }
  ~Output() { XXH3_freeState(state_); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void put(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= kBuffer) flush();
  }
  template <class T>
  void put_number(T number) {
    put({reinterpret_cast<const char*>(&number), sizeof number});
  }
  void section(std::string_view name, const std::function<void(const std::function<void(std::string_view)>&)>& save) {
    put_number(std::uint64_t{name.size()});
    put(name);
    save([this](std::string_view piece) {
      if (piece.empty()) return;
      put_number(std::uint64_t{piece.size()});
      put(piece);
    });
    put_number(std::uint64_t{0});
  }
  Result<void> finish() {
    flush();
    buffer_.clear();
    put_number(static_cast<std::uint64_t>(XXH3_64bits_digest(state_)));
    flush();
    if (stream_) store(stream_->finish());
    return written_;
  }
  std::uint64_t bytes() const { return offset_; }

 private:
  static constexpr std::size_t kBuffer = 1 << 20;

  void flush() {
    XXH3_64bits_update(state_, buffer_.data(), buffer_.size());
    store(stream_ ? stream_->add(buffer_) : buffer_);
    buffer_.clear();
  }
  void store(std::string_view bytes) {
    if (written_) written_ = file_.write(journal::bytes_of(bytes), offset_);
    offset_ += bytes.size();
  }

  journal::File& file_;
  XXH3_state_t* state_;
  std::optional<crypt::StreamEncryptor> stream_;
  std::string buffer_;
  std::uint64_t offset_ = 0;
  Result<void> written_;
};

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

void Follower::checkpoint() {
  const auto began = std::chrono::steady_clock::now();
  checkpoint_due_ = began + options_.checkpoint_every;
  const std::uint64_t frame = place_.frame;
  if (options_.checkpoint.empty() || saved_frame_ == frame || !source_.durable(frame)) return;
  const std::string temporary = options_.checkpoint + ".tmp";
  const auto write = [&]() -> Result<std::uint64_t> {
    journal::remove_file(temporary);
    auto file = journal::File::open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!file) return file.error();
    Output out(**file, options_.keys.writing().get());
    {
      const std::unique_lock lock = this->lock();
      out.put_number(kMagic);
      out.put_number(kVersion);
      out.put_number(std::uint32_t{0});
      out.put_number(facts_.store_unix_ns);
      out.put_number(facts_.collection_started_ns);
      out.put_number(frame);
      out.put_number(complete_from_ns_);
      out.section(kRoster, [this](const auto& to) { roster_.save(to); });
      out.section(kOrphans, [this](const auto& to) { orphans_.save(to); });
      for (const Observer* const observer : observers_) out.section(observer->name(), [&](const auto& to) { observer->save(to); });
      out.put_number(std::uint64_t{0});
    }
    if (auto written = out.finish(); !written) return written.error();
    ARBITER_TESTPOINT("follow.checkpoint_written");
    if (auto synced = (*file)->sync(); !synced) return synced.error();
    if (auto renamed = journal::rename_file(temporary, options_.checkpoint); !renamed) return renamed.error();
    ARBITER_TESTPOINT("follow.checkpoint_renamed");
    if (auto synced = journal::sync_directory(directory_of(options_.checkpoint)); !synced) return synced.error();
    return out.bytes();
  };
  const auto bytes = write();
  const auto took = std::chrono::steady_clock::now() - began;
  checkpoint_due_ = std::max(checkpoint_due_, began + kRestFactor * took);
  if (!bytes) {
    journal::remove_file(temporary);
    source_.warn(options_.checkpoint + ": " + bytes.error().message + ": a start reads what came since the checkpoint before");
    return;
  }
  saved_frame_ = frame;
  const std::lock_guard lock(mutex_);
  counts_.checkpoint_frame = frame;
  counts_.checkpoint_bytes = *bytes;
}

// What was cleared is not to lie here either.
void Follower::drop_checkpoint() {
  saved_frame_.reset();
  if (options_.checkpoint.empty()) return;
  journal::remove_file(options_.checkpoint);
  journal::remove_file(options_.checkpoint + ".tmp");
}

void Follower::load() {
  bool loaded = false;
  if (!options_.checkpoint.empty()) {
    auto bytes = journal::read_file(options_.checkpoint);
    if (bytes && crypt::is_encrypted(*bytes)) bytes = crypt::decrypt_text(options_.keys, *bytes);
    const std::unique_lock lock = this->lock();
    loaded = bytes && load_from(*bytes);
    if (loaded) {
      saved_frame_ = place_.frame;
      counts_.frame = counts_.checkpoint_frame = place_.frame;
      counts_.checkpoint_bytes = bytes->size();
    } else if (bytes || bytes.error().code != ENOENT) {
      source_.warn(options_.checkpoint + ": " + (bytes ? "not one that this collector can go on from" : bytes.error().message) +
                   ": the figures of agents are counted anew, from all that the journal holds");
    }
  }
  if (!loaded) {
    const std::unique_lock lock = this->lock();
    place_ = {};
    facts_ = {};
    complete_from_ns_ = 0;
    roster_.clear();
    orphans_.clear();
    for (Observer* const observer : observers_) observer->cleared();
  }
  tell_moment(place_.frame < source_.committed());
}

bool Follower::load_from(std::string_view bytes) {
  if (bytes.size() < sizeof(std::uint64_t)) return false;
  const std::string_view covered = bytes.substr(0, bytes.size() - sizeof(std::uint64_t));
  if (journal::Reader(bytes.substr(covered.size())).get<std::uint64_t>() != XXH3_64bits(covered.data(), covered.size())) return false;
  journal::Reader in(covered);
  if (in.get<std::uint64_t>() != kMagic || in.get<std::uint32_t>() != kVersion) return false;
  static_cast<void>(in.get<std::uint32_t>());
  facts_ = {};
  facts_.store_unix_ns = in.get<std::int64_t>();
  facts_.collection_started_ns = in.get<std::int64_t>();
  place_ = {in.get<std::uint64_t>(), 0, 0};
  complete_from_ns_ = in.get<std::int64_t>();
  if (place_.frame > source_.committed()) return false;  // of a journal that goes further than this one
  std::size_t loaded = 0;
  for (std::string_view name = in.get_string(); !name.empty() && in.good(); name = in.get_string()) {
    std::string content;
    for (std::string_view piece = in.get_string(); !piece.empty(); piece = in.get_string()) content += piece;
    bool good = true;
    if (name == kRoster)
      good = roster_.load(content);
    else if (name == kOrphans)
      good = orphans_.load(content, roster_.series_size());
    else
      for (Observer* const observer : observers_)
        if (observer->name() == name) good = observer->load(content), ++loaded;
    if (!good) return false;
  }
  return in.good() && in.left() == 0 && loaded == observers_.size();
}

}  // namespace arbiter::aggregate
