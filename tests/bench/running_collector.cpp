#include "tests/bench/running_collector.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/bench/measure.hpp"

namespace arbiter::bench {
namespace fs = std::filesystem;

namespace {

// utime and stime of a stat file of /proc.
double cpu_of(const fs::path& stat) {
  std::ifstream in(stat);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace

Result<RunningCollector> RunningCollector::start(const Setting& setting, const std::string& config, int processor) {
  static int started = 0;
  const std::string n = std::to_string(++started);
  const std::string state = setting.directory + "/state-" + n, lanes = setting.memory + "/collected-" + n;
  const std::string socket = setting.memory + "/control-" + n, log = setting.directory + "/log-" + n,
                    file = setting.directory + "/config-" + n;
  std::ofstream(file) << config;
  fs::create_directories(lanes);
  const std::string program = setting.bin + "/arbiter-collector";
  const std::uint64_t began = now_ns();
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (processor >= 0) pin(processor);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(out, 1), dup2(out, 2);
    execl(program.c_str(), program.c_str(), "--config", file.c_str(), "--ring-dir", lanes.c_str(), "--state-dir", state.c_str(),
          "--export-dir", (state + "/exports").c_str(), "--socket", socket.c_str(), nullptr);
    _exit(127);
  }
  RunningCollector collector(pid, lanes, socket);
  while (!collector.client_.status()) {
    if (now_ns() - began > 30'000'000'000 || waitpid(pid, nullptr, WNOHANG) == pid) {
      std::ifstream said(log);
      return Error{"the collector did not become ready: " + std::string((std::istreambuf_iterator<char>(said)), {})};
    }
    sleep_for(std::chrono::milliseconds(1));
  }
  collector.ready_after_ns_ = now_ns() - began;
  return collector;
}

RunningCollector::RunningCollector(RunningCollector&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      lanes_(std::move(other.lanes_)),
      client_(std::move(other.client_)),
      ready_after_ns_(other.ready_after_ns_) {}

RunningCollector::~RunningCollector() { stop(); }

void RunningCollector::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  const std::uint64_t began = now_ns();
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (now_ns() - began > 30'000'000'000) kill(pid_, SIGKILL);
    sleep_for(std::chrono::milliseconds(5));
  }
  pid_ = -1;
}

Result<std::uint64_t> RunningCollector::delivered() {
  auto stats = client_.stats(false);
  if (!stats) return stats.error();
  return stats->at("lifetime").at("recordedEvents").to_number<std::uint64_t>();
}

double RunningCollector::cpu_s() const { return cpu_of("/proc/" + std::to_string(pid_) + "/stat"); }

std::map<std::string, double> RunningCollector::cpu_s_by_thread() const {
  std::map<std::string, double> all;
  std::error_code gone;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid_) + "/task", gone)) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    all[name] += cpu_of(task.path() / "stat");
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
