#include "tests/crash/kill_soak_supervisor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "collector/snapshot/verify.hpp"

namespace arbiter::soak {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
namespace json = boost::json;

constexpr auto kTick = 2ms, kEpoch = 5000ms, kWaitMax = 60'000ms;

std::string tail_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

void write(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

}  // namespace

// Looks at what is visible in the export directory, again and again: whatever has a number is complete and verifies.
struct Supervisor::Snapshots {
  explicit Snapshots(fs::path exports) : exports_(std::move(exports)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  std::uint64_t verified() const { return verified_.load(std::memory_order_relaxed); }
  void finish() {
    thread_.request_stop();
    thread_.join();
  }
  std::vector<std::string> take_wrong() {
    const std::lock_guard lock(mutex_);
    return std::exchange(wrong_, {});
  }

  void verify(const fs::path& snapshot) {
    {
      const std::lock_guard lock(mutex_);
      if (!seen_.insert(snapshot).second) return;
    }
    const int fd = ::open(snapshot.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;  // it is gone, as the oldest go
    const auto report = ::flock(fd, LOCK_SH | LOCK_NB) == 0 && fs::exists(snapshot) ? snapshot::verify(snapshot)
                                                                                    : Result<snapshot::VerifyReport>(Error{"", ENOENT});
    ::close(fd);
    if (!report && report.error().message.empty()) return;  // it is just going
    if (report && report->ok()) {
      verified_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const std::lock_guard lock(mutex_);
    wrong_.push_back("snapshot " + snapshot.string() + ": " + (report ? report->problems.front() : report.error().message));
  }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::error_code none;
      const fs::path latest = fs::read_symlink(exports_ / "latest", none);
      if (!none) verify(exports_ / latest);
      std::this_thread::sleep_for(300ms);
    }
  }

  fs::path exports_;
  std::set<fs::path> seen_;
  std::atomic<std::uint64_t> verified_{0};
  std::mutex mutex_;
  std::vector<std::string> wrong_;
  std::jthread thread_;
};

Supervisor::Supervisor(const SoakOptions& options)
    : options_(options),
      ledger_(options.memory / "ledger", true),
      verifier_(options.seed, ledger_, options.max_events),
      random_(options.seed),
      producers_(options.producers, 0) {
  ledger_.head().seed = options_.seed;
  const json::object config{
      {"retention", {{"max_age", nullptr}, {"max_bytes", nullptr}, {"max_events", options_.max_events}}},
      {"journal", {{"segment_bytes", "2MiB"}, {"sync", "10ms"}}},
      {"anonymization", {{"enabled", false}}},
      {"export", {{"interval", "3s"}, {"keep", 2}}},
      {"limits", {{"max_open_executions", 5000}}},
      {"log", {{"level", "warning"}}},
  };
  write(options_.root / "collector.json", json::serialize(config));
  ::setenv("ARBITER_RING_DIR", (options_.memory / "lanes").c_str(), 1);
  ::setenv("ARBITER_SOCKET", (options_.memory / "control.sock").c_str(), 1);
  ::setenv("HOME", options_.root.c_str(), 1);
  fs::create_directory(options_.memory / "lanes");
  snapshots_ = std::make_unique<Snapshots>(options_.root / "exports");
}

// Processes ends what is left; forked children end by themselves when their supervisor is silent, and are killed before that where known.
Supervisor::~Supervisor() {
  for (auto& child : ledger_.head().children)
    if (const pid_t pid = child.load(std::memory_order_acquire); pid > 0) ::kill(pid, SIGKILL);
  ledger_.head().stop.store(1, std::memory_order_release);
}

std::vector<std::string> Supervisor::command(const char* program, std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), options_.programs / program);
  return arguments;
}

Processes::Ran Supervisor::ctl(std::vector<std::string> arguments) {
  return processes_.run(command("arbiterctl", std::move(arguments)), options_.root / "arbiterctl.out", kWaitMax);
}

void Supervisor::start_collector() {
  collector_ =
      processes_.start(command("arbiter-collector", {"--config", options_.root / "collector.json", "--ring-dir", options_.memory / "lanes",
                                                     "--state-dir", options_.root / "state", "--export-dir", options_.root / "exports",
                                                     "--socket", options_.memory / "control.sock"}),
                       options_.root / "collector.log");
  ++collectors_;
  ledger_.head().collector_down.store(0, std::memory_order_release);
}

void Supervisor::start_producer(std::size_t slot) {
  producers_[slot] = processes_.start(
      command("kill_soak", {"--be-producer", std::to_string(++producers_started_), "--ledger", options_.memory / "ledger"}),
      options_.root / "producers.log");
}

void Supervisor::kill_collector() {
  processes_.kill(collector_);
  collector_ = 0;
  ++kills_.collector;
  ledger_.head().collector_down.store(1, std::memory_order_release);
  // Mostly back at once, sometimes away for so long that lanes fill.
  collector_due_ = Clock::now() + std::chrono::milliseconds(random(5) == 0 ? 200 + random(500) : random(30));
}

// One that is in the middle of a burst, and so, more likely than others, in the middle of a call.
void Supervisor::kill_bursting() {
  const pid_t pid = ledger_.head().bursting.exchange(0, std::memory_order_acq_rel);
  const auto producer = std::find(producers_.begin(), producers_.end(), pid);
  if (pid == 0 || producer == producers_.end() || random(3) == 0) return;
  const auto end = Clock::now() + std::chrono::microseconds(random(3000));
  while (Clock::now() < end) {
  }
  processes_.kill(pid);
  *producer = 0;
  ++kills_.producers;
}

void Supervisor::kill_one() {
  const std::uint64_t which = random(100);
  if (which < 45 && collector_ != 0) return kill_collector();
  if (which < 65) {
    for (auto& child : ledger_.head().children)
      if (const pid_t pid = child.exchange(0, std::memory_order_acq_rel); pid > 0) {
        ::kill(pid, SIGKILL);
        ++kills_.children;
        return;
      }
  }
  pid_t& producer = producers_[random(producers_.size())];
  if (producer == 0 || !processes_.running(producer)) return;
  processes_.kill(producer);
  producer = 0;
  ++kills_.producers;
}

void Supervisor::look_after() {
  ledger_.head().alive_ns.store(monotonic_now_ns(), std::memory_order_release);
  processes_.reap([&](pid_t orphan) {
    ++children_seen_;
    for (auto& child : ledger_.head().children) child.compare_exchange_strong(orphan, 0, std::memory_order_acq_rel);
  });
  if (collector_ != 0)
    if (const auto status = processes_.ended(collector_)) {
      collector_ = 0;
      verifier_.complain("the collector ended by itself with status " + std::to_string(*status) + ": " +
                         tail_of(options_.root / "collector.log"));
    }
  for (pid_t& producer : producers_)
    if (producer != 0)
      if (const auto status = processes_.ended(producer)) {
        producer = 0;
        if (*status != 0)
          verifier_.complain("a producer ended with status " + std::to_string(*status) + ": " + tail_of(options_.root / "producers.log"));
      }
  if (exporter_ != 0 && processes_.ended(exporter_)) exporter_ = 0;
  for (std::string& what : snapshots_->take_wrong()) verifier_.complain(std::move(what));
  if (Clock::now() - said_ > 5s) progress();
}

void Supervisor::record_and_kill(Clock::time_point end) {
  std::exponential_distribution<double> gap(options_.kills);
  auto next_kill = Clock::now(), next_export = next_kill + 1s;
  const auto pause = [&] { return std::chrono::microseconds(static_cast<std::int64_t>(gap(random_) * 1e6)); };
  next_kill += pause();
  while (Clock::now() < end && fine() && ledger_.head().recorded.load(std::memory_order_relaxed) < options_.max_events * 3 / 4) {
    look_after();
    if (collector_ == 0 && Clock::now() >= collector_due_) start_collector();
    for (std::size_t slot = 0; slot < producers_.size(); ++slot)
      if (producers_[slot] == 0) start_producer(slot);
    kill_bursting();
    if (Clock::now() >= next_kill) {
      kill_one();
      next_kill = Clock::now() + pause();
    }
    if (exporter_ == 0 && Clock::now() >= next_export) {
      exporter_ = processes_.start(command("arbiterctl", {"export", "--wait"}), options_.root / "export.out");
      ++exports_asked_;
      next_export = Clock::now() + 1500ms;
    }
    std::this_thread::sleep_for(kTick);
  }
}

// The producers end, some by being killed; then a collector is there until it has taken everything. False: it does not.
bool Supervisor::settle() {
  for (const pid_t producer : producers_)
    if (producer != 0 && random(2) == 0) kill_one();
  ledger_.head().stop.store(1, std::memory_order_release);
  if (collector_ != 0 && random(2) == 0) kill_collector();
  const auto until = Clock::now() + kWaitMax;
  const auto busy = [&] {
    const auto there = [](const auto& list) { return std::any_of(list.begin(), list.end(), [](const auto& pid) { return pid != 0; }); };
    std::error_code none;
    return exporter_ != 0 || there(producers_) || there(ledger_.head().children) || !fs::is_empty(options_.memory / "lanes", none);
  };
  while (fine() && busy()) {
    look_after();
    if (collector_ == 0 && Clock::now() >= collector_due_) start_collector();
    if (Clock::now() > until) {
      verifier_.complain("after a minute there still are producers, or lanes that the collector has not taken: " + ctl({"status"}).out);
      break;
    }
    std::this_thread::sleep_for(kTick);
  }
  if (fine() && collector_ == 0) start_collector();
  while (fine() && ctl({"status"}).exit != 0 && Clock::now() < until) look_after();
  return fine();
}

bool Supervisor::epoch(std::chrono::milliseconds length) {
  ledger_.begin_epoch(static_cast<std::uint32_t>(++epochs_));
  LedgerHead& head = ledger_.head();
  head.pause_ns.store(static_cast<std::uint32_t>(2'500'000'000 * options_.producers / options_.rate), std::memory_order_release);
  head.collector_down.store(collector_ == 0, std::memory_order_release);
  look_after();
  auto at = Clock::now();
  const auto took = [&at](Clock::duration& sum) {
    const auto now = Clock::now();
    sum += now - at;
    at = now;
  };
  record_and_kill(at + length);
  took(recording_);
  if (!fine() || !settle()) return false;
  took(settling_);

  json::error_code error;
  const auto stats = ctl({"--json", "stats"});
  const json::value figures = json::parse(stats.out, error);
  if (stats.exit != 0 || error || !figures.is_object()) return verifier_.complain("arbiterctl stats: " + stats.out), false;
  const auto exported = ctl({"--json", "export", "--wait"});
  const json::value made = json::parse(exported.out, error);
  if (exported.exit != 0 || error || !made.is_object()) return verifier_.complain("arbiterctl export: " + exported.out), false;

  took(exporting_);

  // The journal is read with nobody at it: after a clean stop, or after one more kill.
  if (random(2) == 0) {
    ::kill(collector_, SIGTERM);
    const auto status = processes_.wait(collector_, kWaitMax);
    if (status != 0) verifier_.complain("the collector stopped with status " + std::to_string(status.value_or(-1)));
  } else {
    processes_.kill(collector_);
    ++kills_.collector;
  }
  collector_ = 0;
  collector_due_ = Clock::now();
  const JournalRead journal = read_journal(options_.root / "state/journal", last_frame_);
  raw_ += journal.raw, sealed_ += journal.sealed, frames_events_ += journal.events;
  last_frame_ = std::max(last_frame_, journal.last_frame);
  verifier_.epoch(std::string(made.at("path").as_string()), figures.as_object(), journal);
  for (const auto& entry : fs::directory_iterator(options_.root / "exports"))
    if (entry.is_directory() && !entry.is_symlink() && entry.path().filename().string().front() != '.') snapshots_->verify(entry.path());
  took(checking_);
  look_after();
  return fine();
}

bool Supervisor::run() {
  const auto end = began_ + std::chrono::milliseconds(static_cast<std::int64_t>(options_.seconds * 1000));
  while (fine()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left < 500ms && epochs_ > 0) break;
    epoch(std::min(kEpoch, std::max(left - 1500ms, 1000ms)));
  }
  snapshots_->finish();
  look_after();
  return fine();
}

void Supervisor::progress() {
  said_ = Clock::now();
  const LedgerHead& head = ledger_.head();
  std::printf(
      "%5.0f s  epoch %llu  %llu kills  %llu events delivered so far; in this epoch %llu recorded, %llu dropped, %llu refused; "
      "%llu snapshots verified\n",
      std::chrono::duration<double>(said_ - began_).count(), static_cast<unsigned long long>(epochs_),
      static_cast<unsigned long long>(kills_.sum()), static_cast<unsigned long long>(verifier_.sums().delivered),
      static_cast<unsigned long long>(head.recorded.load(std::memory_order_relaxed)),
      static_cast<unsigned long long>(head.dropped.load(std::memory_order_relaxed)),
      static_cast<unsigned long long>(head.refused.load(std::memory_order_relaxed)),
      static_cast<unsigned long long>(snapshots_->verified()));
  std::fflush(stdout);
}

void Supervisor::print_account() const {
  const Sums& s = verifier_.sums();
  const auto line = [](const char* what, std::uint64_t n, const std::string& more = {}) {
    std::printf("  %-12s %14llu%s%s\n", what, static_cast<unsigned long long>(n), more.empty() ? "" : "   ", more.c_str());
  };
  const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  std::printf("\nkill_soak: seed %llu, %.0f s, %llu epochs\n", static_cast<unsigned long long>(options_.seed), seconds,
              static_cast<unsigned long long>(epochs_));
  const auto in_seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  std::printf("  recording and killing %.0f s, until all was taken %.0f s, last export of each epoch %.0f s, checking it %.0f s\n\n",
              in_seconds(recording_), in_seconds(settling_), in_seconds(exporting_), in_seconds(checking_));
  line("attempted", s.attempted);
  line("delivered", s.delivered);
  line("dropped", s.dropped);
  line("refused", s.refused);
  line("in flight", s.in_flight, "at a kill, and neither delivered, dropped nor refused");
  const std::uint64_t sum = s.delivered + s.dropped + s.refused + s.in_flight;
  std::printf("  %s = delivered + dropped + refused + in flight, in each of %llu lanes, to the event\n\n",
              sum == s.attempted ? "attempted" : "attempted !", static_cast<unsigned long long>(s.lanes));
  char rate[64];
  std::snprintf(rate, sizeof rate, "%.1f a second", static_cast<double>(kills_.sum()) / seconds);
  line("kills", kills_.sum(), rate);
  line("  collector", kills_.collector, "started " + std::to_string(collectors_) + " times");
  line("  producers", kills_.producers, "started " + std::to_string(producers_started_) + " times");
  line("  children", kills_.children, "forked ones that outlived their parent: " + std::to_string(children_seen_));
  line("cut off", s.cut_off, "calls that a kill cut off, of which delivered: " + std::to_string(s.cut_off_delivered));
  line("joined", s.completions_joined, "completions with a start of another thread or process");
  line("snapshots", snapshots_->verified(), "verified; asked for while it ran: " + std::to_string(exports_asked_));
  line("frames", last_frame_, "in " + std::to_string(raw_) + " raw and " + std::to_string(sealed_) + " sealed files as they were read");
  for (const auto& [type, count] : s.by_type) line(type.c_str(), count);
}

}  // namespace arbiter::soak
