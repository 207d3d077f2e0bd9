// The drain's thread: sets the stages up, keeps them going, and lets others in between two batches.
//
// Everything here but open(), stop() and mailbox() belongs to the thread that runs run(); other threads reach it through the mailbox.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collector/config/config.hpp"
#include "collector/crypt/keyring.hpp"
#include "collector/ingest/doorbell.hpp"
#include "collector/ingest/lanes.hpp"
#include "collector/ingest/quarantine.hpp"
#include "collector/ingest/timeline.hpp"
#include "collector/join/join.hpp"
#include "collector/journal/journal.hpp"
#include "collector/privacy/anonymizer.hpp"
#include "collector/privacy/key.hpp"
#include "collector/service/directory_lock.hpp"
#include "collector/service/drain.hpp"
#include "collector/service/health.hpp"
#include "collector/service/mailbox.hpp"

namespace arbiter::service {

class Engine {
 public:
  // Locks the directories, reads or makes the key, recovers the journal, opens the lanes. Errors say what to do.
  // `doorbell`: a socket that is bound there already, taken over; -1: it is bound here.
  static Result<std::unique_ptr<Engine>> open(const config::Config& config, int doorbell = -1);
  ~Engine();

  // Before run(). `beat` is called by the drain's thread between two batches, so often: where that thread is stuck, it is not called.
  void on_beat(std::chrono::nanoseconds every, std::function<void()> beat);

  void run();   // until stop(): then takes what is there, seals the journal, and returns
  void stop();  // any thread, and signal handlers of the caller's signalfd

  Mailbox& mailbox() { return mailbox_; }
  // Set by run() at its end: what went wrong while stopping.
  const std::optional<Error>& stop_error() const { return stop_error_; }

  // --- on the drain's thread
  std::string summary() const;  // one line for people, of what is known without looking
  Result<void> catch_up();      // everything recorded before is in the journal and the statistics afterwards
  const config::Config& config() const { return config_; }
  void configure(const config::Config& next);  // takes over what changes while running; the rest must be equal
  Result<void> set_paused(bool paused);
  bool paused() const { return paused_; }
  std::int64_t paused_since_ns() const { return paused_since_ns_; }  // also by a run before this one
  bool disabled() const { return paused_ || !config_.enabled; }
  Result<void> clear();

  journal::Journal& journal() { return *journal_; }
  const join::Join& join() const { return join_; }
  const Drain& drain() const { return *drain_; }
  const journal::Journal& journal() const { return *journal_; }
  const Health& health();  // as of now
  const ingest::Lanes& lanes() const { return *lanes_; }
  const ingest::Timeline& timeline() const { return timeline_; }

  // --- any thread
  // Number of the last frame that is in the journal. Pairs with the store in run(): what it counts can be asked for.
  std::uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  // The collector's time, and that of retention, a moment ago.
  std::int64_t lately_ns() const { return lately_ns_.load(std::memory_order_relaxed); }
  std::int64_t lately_kept_ns() const { return lately_kept_ns_.load(std::memory_order_relaxed); }
  bool durable(std::uint64_t frame) { return journal_->reach(frame); }  // waits until it is on stable storage; false: that failed
  // --- any thread: never changes
  const privacy::Anonymizer& anonymizer() const { return anonymizer_; }  // for hash_for_query alone
  const std::string& key_fingerprint() const { return fingerprint_; }    // empty: not anonymised
  const crypt::Keyring& keys() const { return keys_; }                   // of encryption
  std::int64_t started_ns() const { return started_ns_; }

 private:
  explicit Engine(const config::Config& config);
  Result<void> set_up(int doorbell);
  Result<privacy::Key> key() const;
  void housekeeping();
  void note_time();
  void save_clock();
  void scan();

  config::Config config_;
  Mailbox mailbox_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> lately_ns_{0}, lately_kept_ns_{0};  // relaxed: order nothing
  std::atomic<std::uint64_t> committed_{0};                     // release by the drain's thread after a pass, acquire in committed()
  std::optional<DirectoryLock> state_lock_, lanes_lock_;
  ingest::Timeline timeline_;
  std::string fingerprint_;
  crypt::Keyring keys_;
  privacy::Anonymizer anonymizer_;
  join::Join join_;
  std::unique_ptr<journal::Journal> journal_;
  std::optional<ingest::Quarantine> quarantine_;
  std::optional<ingest::Lanes> lanes_;
  std::optional<ingest::Doorbell> doorbell_;
  std::optional<Drain> drain_;
  Health health_;
  bool paused_ = false;
  std::int64_t paused_since_ns_ = 0;
  bool new_files_ = true;
  std::int64_t started_ns_ = 0;
  std::optional<Error> stop_error_;

  using Clock = std::chrono::steady_clock;
  // When each of the recurring things is due.
  Clock::time_point clocks_due_{}, ended_due_{}, accounts_due_{}, scan_due_{}, clock_due_{}, beat_due_{};
  std::uint64_t segment_ = 0;  // the journal's newest, when its retention was last looked at
  Clock::duration beat_every_{};
  std::function<void()> beat_;  // empty: nobody listens
  std::uint64_t steps_saved_ = 0;
  bool clock_failing_ = false;
};

journal::Options journal_options(const config::Config& config);

}  // namespace arbiter::service
