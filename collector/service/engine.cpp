#include "collector/service/engine.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include "collector/config/units.hpp"
#include "collector/ingest/clock_file.hpp"
#include "collector/journal/file.hpp"
#include "collector/log/log.hpp"
#include "shm/sigbus_guard.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::service {
namespace {

using namespace std::chrono_literals;

constexpr auto kPollShortest = 1ms, kPollLongest = 90ms, kRetry = 100ms;
constexpr std::chrono::milliseconds kClocksEvery = 100ms, kEndedEvery = 200ms, kAccountsEvery = 1s, kClockSavedEvery = 10s;
constexpr std::size_t kEndedTurns = 5;  // within a second all have been looked at, at an even cost

// What a directory full of segments may cost: looking through them takes a fifth of the time at most, half of it while there are new ones,
// and polling leaves this much time for each.
constexpr int kScanPause = 4, kScanPauseWhileNew = 1;
constexpr auto kPollOfSegment = 500ns;
constexpr int kScansMax = 64;  // for one question: who makes segments without end holds up nobody else's

std::string journal_directory(const config::Config& config) { return config.state_dir + "/journal"; }
std::string paused_file(const config::Config& config) { return config.state_dir + "/paused"; }
std::string clock_file(const config::Config& config) { return config.state_dir + "/clock"; }

privacy::Rules rules(const config::Config& config) {
  privacy::Rules rules;
  rules.preserve_agent_ids = config.anonymization.preserve_agent_ids;
  rules.preserve_task_types = config.anonymization.preserve_task_types;
  rules.free_text = config.anonymization.free_text;
  return rules;
}

// What the system said no to, and the way out of it.
Error with_remedy(const Error& error, std::string_view option) {
  switch (error.code) {
    case EACCES:
    case EPERM:
    case EROFS: return {error.message + ": mend its permissions, or name another with " + std::string(option), error.code};
    case ENOSPC:
    case EDQUOT: return {error.message + ": make room there, or name another with " + std::string(option), error.code};
    default: return error;
  }
}

bool holds_files(const std::string& directory) {
  std::error_code failed;
  return std::filesystem::directory_iterator(directory, failed) != std::filesystem::directory_iterator{};
}

}  // namespace

journal::Options journal_options(const config::Config& config) {
  journal::Options options;
  options.directory = journal_directory(config);
  options.segment_bytes = config.journal.segment_bytes;
  options.retention = {config.retention.max_age, config.retention.max_events, config.retention.max_bytes};
  if (config.journal.sync == "never") {
    options.sync = journal::SyncPolicy::never;
  } else if (config.journal.sync == "always") {
    options.sync = journal::SyncPolicy::every_frame;
  } else {
    options.sync = journal::SyncPolicy::interval;
    if (const auto every = config::parse_duration(config.journal.sync))
      options.sync_interval = std::chrono::duration_cast<std::chrono::milliseconds>(*every);
  }
  return options;
}

Result<std::unique_ptr<Engine>> Engine::open(const config::Config& config, int doorbell) {
  std::unique_ptr<Engine> engine(new Engine(config));
  if (auto ready = engine->set_up(doorbell); !ready) return ready.error();
  return engine;
}

Engine::Engine(const config::Config& config) : config_(config), join_(config.limits.max_open_executions) {}

Engine::~Engine() = default;

// The key links the journal's footers whether ids are hashed or not, so there always is one.
Result<privacy::Key> Engine::key() const {
  const std::string& path = config_.anonymization.key_file;
  auto key = privacy::load_key(path);
  if (key || key.error().code != ENOENT) return key;
  if (holds_files(journal_directory(config_)))
    return Error{"key file " + path + " is missing, and the journal in " + config_.state_dir +
                 " was made under it: put it back from a backup, or start with an empty state directory"};
  log::info("privacy", "first start: making the key {}: keep a copy of it where the data is not", path);
  return privacy::create_key(path);
}

Result<void> Engine::set_up(int passed_doorbell) {
  install_sigbus_guard();
  ingest::raise_descriptor_limit();
  if (auto made = journal::make_directory(config_.state_dir); !made)
    return Error{"state directory " + made.error().message + ": make it, or name another with --state-dir", made.error().code};
  chmod(config_.state_dir.c_str(), 0700);
  auto state_lock = DirectoryLock::take(config_.state_dir + "/lock", "state directory " + config_.state_dir,
                                        "stop it, or give this one another with --state-dir");
  if (!state_lock) return with_remedy(state_lock.error(), "--state-dir");
  state_lock_.emplace(std::move(*state_lock));

  // Agents of other users record into what root or the system service collects; an ordinary user's lanes are its own.
  const bool shared = geteuid() == 0 || config_.ring_dir.starts_with("/run/arbiter");
  auto lanes = ingest::Lanes::open(config_.ring_dir, shared, config_.limits.max_producers);
  if (!lanes) return Error{lanes.error().message + ": mend its permissions, or name another with --ring-dir", lanes.error().code};
  auto lanes_lock = DirectoryLock::take(config_.ring_dir + ".lock", "lanes directory " + config_.ring_dir,
                                        "stop it, or give this one another with --ring-dir");
  if (!lanes_lock) return with_remedy(lanes_lock.error(), "--ring-dir");
  lanes_lock_.emplace(std::move(*lanes_lock));
  lanes_.emplace(std::move(*lanes));

  journal::Options options = journal_options(config_);
  auto key = this->key();
  if (!key) return with_remedy(key.error(), "--state-dir");
  options.link_key = key->link_key();
  if (config_.anonymization.enabled) {
    options.key_fingerprint = key->fingerprint();
    fingerprint_ = privacy::fingerprint_text(key->fingerprint());
    anonymizer_ = privacy::Anonymizer(rules(config_), key->id_key());
  }
  const auto& encryption = config_.encryption;
  std::optional<std::string> writing;
  std::vector<std::string> former;
  if (!encryption.key_file.empty()) writing = encryption.key_file;
  if (!encryption.former_key_file.empty()) former.push_back(encryption.former_key_file);
  auto keys = crypt::load_keyring(writing, former);
  if (!keys) return keys.error();
  options.keys = keys_ = std::move(*keys);
  auto journal = journal::Journal::open(options, join_);
  if (!journal) return with_remedy(journal.error(), "--state-dir");
  journal_ = std::move(*journal);

  auto doorbell = ingest::Doorbell::open(config_.ring_dir, mailbox_.wake_fd(), passed_doorbell);
  if (!doorbell) return doorbell.error();
  doorbell_.emplace(std::move(*doorbell));
  quarantine_.emplace(config_.state_dir + "/quarantine.jsonl", !config_.anonymization.enabled && keys_.writing() == nullptr);
  drain_.emplace(*lanes_, timeline_, anonymizer_, join_, *journal_, *quarantine_, options.sync);
  if (config_.retention.max_age) timeline_.set_step_memory(config_.retention.max_age->count());
  ingest::resume(timeline_, clock_file(config_));
  struct stat pause {};
  paused_ = stat(paused_file(config_).c_str(), &pause) == 0;
  if (paused_) paused_since_ns_ = pause.st_mtim.tv_sec * 1'000'000'000 + pause.st_mtim.tv_nsec;
  lanes_->set_disabled(disabled());
  started_ns_ = timeline_.now_ns();
  note_time();
  committed_.store(journal_->committed_frame(), std::memory_order_release);
  return {};
}

void Engine::on_beat(std::chrono::nanoseconds every, std::function<void()> beat) {
  beat_every_ = every;
  beat_ = std::move(beat);
}

void Engine::run() {
  scan();
  drain_->close_vanished();
  std::chrono::nanoseconds wait = kPollShortest;
  while (!stopping_.load(std::memory_order_relaxed)) {
    mailbox_.run();
    const Drain::Passed passed = drain_->pass();
    committed_.store(journal_->committed_frame(), std::memory_order_release);
    housekeeping();
    switch (passed) {
      case Drain::Passed::more: continue;
      case Drain::Passed::some:
        wait = std::min<std::chrono::nanoseconds>(kPollLongest, kPollShortest + lanes_->sources().size() * kPollOfSegment);
        break;
      case Drain::Passed::idle: wait = std::min<std::chrono::nanoseconds>(2 * wait, kPollLongest); break;
      case Drain::Passed::blocked: wait = kRetry; break;
    }
    // Under `always` the acknowledgement waits for the disk, and the producer may be waiting for it.
    if (drain_->acknowledgement_due()) wait = kPollShortest;
    if (doorbell_->wait(wait).new_files) new_files_ = true;
  }
  if (auto caught_up = catch_up(); !caught_up) stop_error_ = caught_up.error();
  drain_->look_for_ended();
  drain_->pass();  // lanes of producers that have ended are closed, their files removed
  ARBITER_TESTPOINT("stop.drained");
  if (auto closed = journal_->close(); !closed) stop_error_ = closed.error();
  for (const std::string& failure : journal_->take_failures()) log::error("journal", "{}", failure);
  drain_->acknowledge_durable();
  save_clock();
  mailbox_.close();
}

void Engine::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  mailbox_.wake();
}

void Engine::housekeeping() {
  const Clock::time_point now = Clock::now();
  const auto due = [now](Clock::time_point& at, Clock::duration every) {
    if (now < at) return false;
    at = now + every;
    return true;
  };
  if (beat_ && due(beat_due_, beat_every_)) beat_();
  if (due(clocks_due_, kClocksEvery)) {
    timeline_.refresh();
    note_time();
  }
  if (due(ended_due_, kEndedEvery)) drain_->look_for_ended(kEndedTurns);
  const bool accounts = due(accounts_due_, kAccountsEvery);
  if ((new_files_ || accounts) && now >= scan_due_) scan();
  drain_->acknowledge_durable();
  for (const std::string& failure : journal_->take_failures()) log::error("journal", "{}", failure);
  if (accounts) health_.look(*this, timeline_.now_ns());
  if (due(clock_due_, kClockSavedEvery) || timeline_.steps() != steps_saved_) save_clock();
  if (!drain_->blocked_by().empty()) return;
  if (accounts) drain_->note_accounts();
  // With each segment, too: what a full store lets go of is what the next segment is made of.
  const bool rolled = std::exchange(segment_, journal_->newest_segment()) != journal_->newest_segment();
  if (accounts || rolled) journal_->retain(timeline_.retention_now_ns());
}

const Health& Engine::health() {
  health_.look(*this, timeline_.now_ns());
  return health_;
}

void Engine::note_time() {
  lately_ns_.store(timeline_.now_ns(), std::memory_order_relaxed);
  lately_kept_ns_.store(timeline_.retention_now_ns(), std::memory_order_relaxed);
}

void Engine::save_clock() {
  steps_saved_ = timeline_.steps();
  const auto saved = ingest::save(timeline_, clock_file(config_));
  if (!saved && !clock_failing_) log::warning("ingest", "{}: a step of the clock may delete events after a restart", saved.error().message);
  clock_failing_ = !saved;
}

void Engine::scan() {
  const Clock::time_point began = Clock::now();
  new_files_ = drain_->scan(disabled());
  const Clock::time_point ended = Clock::now();
  scan_due_ = ended + (new_files_ ? kScanPauseWhileNew : kScanPause) * (ended - began);
}

std::string Engine::summary() const {
  const std::string state = !drain_->blocked_by().empty() ? "blocked: " + drain_->blocked_by() : disabled() ? "paused" : "collecting";
  return state + ", " + std::to_string(lanes_->sources().size()) + " segments attached, " + std::to_string(drain_->counts().events) +
         " events taken since the start";
}

Result<void> Engine::catch_up() {
  timeline_.refresh();
  scan();
  for (int scans = 1; new_files_ && scans < kScansMax; ++scans) scan();
  if (auto taken = drain_->catch_up(); !taken) return Error{taken.error().message, 503};
  drain_->note_accounts();
  if (auto taken = drain_->catch_up(); !taken) return Error{taken.error().message, 503};
  journal_->retain(timeline_.retention_now_ns());
  committed_.store(journal_->committed_frame(), std::memory_order_release);
  return {};
}

void Engine::configure(const config::Config& next) {
  config_ = next;
  const journal::Options options = journal_options(config_);
  journal_->set_retention(options.retention);
  journal_->set_sync(options.sync, options.sync_interval);
  drain_->set_sync(options.sync);
  join_.set_capacity(config_.limits.max_open_executions);
  lanes_->set_max_producers(config_.limits.max_producers);
  timeline_.set_step_memory(config_.retention.max_age ? config_.retention.max_age->count() : 0);
  lanes_->set_disabled(disabled());
  journal_->retain(timeline_.retention_now_ns());
}

Result<void> Engine::set_paused(bool paused) {
  const std::string path = paused_file(config_);
  if (paused) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return system_error("pausing: " + path, errno);
    close(fd);
    ARBITER_TESTPOINT("pause.written");
  } else if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return system_error("resuming: " + path, errno);
  }
  ARBITER_TESTPOINT("pause.decided");
  if (paused && !paused_) paused_since_ns_ = timeline_.now_ns();
  paused_ = paused;
  lanes_->set_disabled(disabled());
  return {};
}

Result<void> Engine::clear() {
  if (auto taken = catch_up(); !taken) return taken.error();
  auto cleared = journal_->clear();
  committed_.store(journal_->committed_frame(), std::memory_order_release);
  return cleared;
}

}  // namespace arbiter::service
