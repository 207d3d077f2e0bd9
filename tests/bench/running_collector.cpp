#include "tests/bench/running_collector.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "tests/bench/measure.hpp"

namespace arbiter::bench {
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kReadyNsMax = 120'000'000'000, kStopNsMax = 120'000'000'000;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

Result<RunningCollector> RunningCollector::start(const Setting& setting, const std::string& config, int processor) {
  static int started = 0;
  const std::string n = std::to_string(++started);
  RunningCollector collector;
  collector.processor_ = processor;
  collector.program_ = setting.bin + "/arbiter-collector";
  collector.config_ = setting.directory + "/config-" + n;
  collector.state_ = setting.directory + "/state-" + n;
  collector.log_ = setting.directory + "/log-" + n;
  collector.lanes_ = setting.memory + "/collected-" + n;
  collector.socket_ = setting.memory + "/control-" + n;
  std::ofstream(collector.config_) << config;
  fs::create_directories(collector.lanes_);
  if (auto ready = collector.restart(); !ready) return ready.error();
  return collector;
}

Result<void> RunningCollector::restart() {
  client_ = std::make_unique<client::Client>(socket_);
  const std::uint64_t began = now_ns();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (processor_ >= 0) pin(processor_);
    const int out = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, 1), dup2(out, 2);
    execl(program_.c_str(), program_.c_str(), "--config", config_.c_str(), "--ring-dir", lanes_.c_str(), "--state-dir", state_.c_str(),
          "--export-dir", (state_ + "/exports").c_str(), "--socket", socket_.c_str(), nullptr);
    _exit(127);
  }
  while (!client_->status()) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return Error{"the collector did not start: " + text_of(log_)};
    }
    if (now_ns() - began > kReadyNsMax) return Error{"the collector did not become ready: " + text_of(log_)};
    sleep_for(std::chrono::milliseconds(1));
  }
  ready_after_ns_ = now_ns() - began;
  return {};
}

RunningCollector::RunningCollector(RunningCollector&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      processor_(other.processor_),
      program_(std::move(other.program_)),
      config_(std::move(other.config_)),
      lanes_(std::move(other.lanes_)),
      state_(std::exchange(other.state_, {})),
      socket_(std::move(other.socket_)),
      log_(std::move(other.log_)),
      client_(std::move(other.client_)),
      ready_after_ns_(other.ready_after_ns_) {}

RunningCollector::~RunningCollector() {
  if (state_.empty()) return;  // moved from
  stop();
  std::error_code ignored;
  fs::remove_all(state_, ignored);
  fs::remove_all(lanes_, ignored);
}

void RunningCollector::stop() { reap(SIGTERM); }
void RunningCollector::kill() { reap(SIGKILL); }

void RunningCollector::reap(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  const std::uint64_t began = now_ns();
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (now_ns() - began > kStopNsMax) ::kill(pid_, SIGKILL);
    sleep_for(std::chrono::milliseconds(1));
  }
  pid_ = -1;
}

Result<std::uint64_t> RunningCollector::delivered() {
  auto stats = client_->stats(false);
  if (!stats) return stats.error();
  return stats->at("lifetime").at("recordedEvents").to_number<std::uint64_t>();
}

Result<void> RunningCollector::wait_for(std::uint64_t events) {
  const std::uint64_t began = now_ns();
  for (;;) {
    const auto have = delivered();
    if (!have) return have.error();
    if (*have >= events) return {};
    if (now_ns() - began > kReadyNsMax)
      return Error{"the collector has " + std::to_string(*have) + " of " + std::to_string(events) + " events and gets no more"};
    sleep_for(std::chrono::milliseconds(10));
  }
}

Result<void> RunningCollector::wait_until_sealed() {
  const std::uint64_t began = now_ns();
  for (;;) {
    const auto status = client_->status();
    if (!status) return status.error();
    const auto& journal = status->at("journal");
    if (journal.at("sealedSegments").to_number<std::uint64_t>() + 1 >= journal.at("segments").to_number<std::uint64_t>()) return {};
    if (now_ns() - began > kReadyNsMax) return Error{"the collector does not get done with sealing"};
    sleep_for(std::chrono::milliseconds(10));
  }
}

double RunningCollector::cpu_s() const {
  clockid_t clock{};
  timespec used{};
  if (pid_ <= 0 || clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

std::map<std::string, double> RunningCollector::cpu_s_by_thread() const {
  std::map<std::string, double> all;
  std::error_code gone;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", gone)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    double ns = 0;
    std::ifstream(task.path() / "schedstat") >> ns;
    all[name] += ns / 1e9;
  }
  return all;
}

std::uint64_t RunningCollector::anonymous_bytes() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  return 0;
}

}  // namespace arbiter::bench
