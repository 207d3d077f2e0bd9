#include "tests/process/harness.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tools/arbiter-replay/agent_run.hpp"
#include "tools/arbiter-replay/lines.hpp"

extern char** environ;

namespace arbiter::test {
namespace {

fs::path program_path(const std::string& program) {
  return program.find('/') == std::string::npos ? fs::path(ARBITER_BIN_DIR) / program : fs::path(program);
}

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* arguments, char* const* environment, const char* out, const char* err, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int in_fd = ::open("/dev/null", O_RDONLY);
  const int out_fd = ::open(out, O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int err_fd = ::open(err, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in_fd < 0 || out_fd < 0 || err_fd < 0) ::_exit(127);
  ::dup2(in_fd, 0), ::dup2(out_fd, 1), ::dup2(err_fd, 2);
  ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

int exit_status(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

}  // namespace

bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

Process::Process(const Arguments& command, const Environment& environment, const fs::path& out, const fs::path& err) {
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> arguments, environment_of_child;
  for (const std::string& a : command) arguments.push_back(const_cast<char*>(a.c_str()));
  for (const std::string& s : settings) environment_of_child.push_back(const_cast<char*>(s.c_str()));
  arguments.push_back(nullptr);
  environment_of_child.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) become(arguments.data(), environment_of_child.data(), out.c_str(), err.c_str(), parent);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), ended_(other.ended_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(ended_, other.ended_);
  return *this;
}

Process::~Process() {
  if (pid_ <= 0 || ended_) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
}

bool Process::running() {
  if (ended_ || pid_ <= 0) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  ended_ = exit_status(status);
  return false;
}

void Process::signal(int number) const {
  if (!ended_) ::kill(pid_, number);
}

std::optional<int> Process::wait(std::chrono::milliseconds at_most) {
  wait_until([&] { return !running(); }, at_most);
  return ended_;
}

Place::Place() {
  const auto make = [](const fs::path& base) {
    std::string name = base / "arbiter-test.XXXXXX";
    REQUIRE_MESSAGE(::mkdtemp(name.data()) != nullptr, "cannot make a directory in " << base);
    return fs::path(name);
  };
  root_ = make(fs::temp_directory_path());
  memory_ = ::access("/dev/shm", W_OK) == 0 ? make("/dev/shm") : root_;
}

Place::~Place() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
  fs::remove_all(memory_, ignored);
}

fs::path Place::write(const std::string& name, std::string_view text) const {
  const fs::path path = root_ / name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

// That of the test, without what would lead our programs elsewhere.
Environment Place::environment(const Environment& more) const {
  Environment all;
  for (char** setting = environ; *setting != nullptr; ++setting) {
    const std::string_view s = *setting;
    const std::size_t equals = s.find('=');
    if (equals != std::string_view::npos && !s.starts_with("ARBITER_") && !s.starts_with("XDG_"))
      all[std::string(s.substr(0, equals))] = s.substr(equals + 1);
  }
  all["HOME"] = root_;
  all["ARBITER_RING_DIR"] = lanes();
  all["ARBITER_SOCKET"] = socket();
  for (const auto& [name, value] : more) all[name] = value;
  return all;
}

Process Place::start(const std::string& program, const Arguments& arguments, const Environment& more) {
  Arguments command{program_path(program)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const std::string number = std::to_string(++started_);
  return Process(command, environment(more), root_ / ("out." + number), root_ / ("err." + number));
}

Ran Place::run(const std::string& program, const Arguments& arguments, const Environment& more, std::chrono::milliseconds at_most) {
  Process process = start(program, arguments, more);
  const std::string number = std::to_string(started_);
  Ran ran;
  ran.exit = process.wait(at_most).value_or(-1);
  ran.out = read_file(root_ / ("out." + number));
  ran.err = read_file(root_ / ("err." + number));
  return ran;
}

Ran Place::shell(const std::string& command) { return run("/bin/sh", {"-c", command}); }

fs::path Place::sample(std::uint64_t runs) {
  const Ran made = run("arbiter-replay", {"--make-sample", std::to_string(runs)});
  REQUIRE_MESSAGE(made.exit == 0, made.err);
  return write("sample-" + std::to_string(runs) + ".jsonl", made.out);
}

json::object Place::replay(const fs::path& input, const Arguments& more) {
  Arguments arguments{"--input", input, "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ran ran = run("arbiter-replay", arguments);
  REQUIRE_MESSAGE(ran.exit == 0, ran.err);
  return json::parse(ran.out).as_object();
}

Collector::Collector(Place& place, std::string config, std::string limits)
    : place_(place), config_(std::move(config)), limits_(std::move(limits)) {
  start();
}

void Collector::start() {
  Arguments arguments{"--ring-dir",   place_.lanes(),   "--state-dir", place_.state(),
                      "--export-dir", place_.exports(), "--socket",    place_.socket()};
  if (!config_.empty()) {
    arguments.insert(arguments.begin(), place_.write("collector.json", config_));
    arguments.insert(arguments.begin(), "--config");
  }
  ++starts_;
  if (limits_.empty()) {
    process_.emplace(place_.start("arbiter-collector", arguments));
  } else {
    arguments.insert(arguments.begin(), {"-c", limits_ + R"(; exec "$0" "$@")", program_path("arbiter-collector")});
    process_.emplace(place_.start("/bin/sh", arguments));
  }
  const bool ready = wait_until([&] { return !process_->running() || place_.run("arbiterctl", {"status"}).exit == 0; });
  REQUIRE_MESSAGE((ready && process_->running()), "the collector did not become ready: " << log());
}

int Collector::stop() {
  process_->signal(SIGTERM);
  const auto status = process_->wait();
  REQUIRE_MESSAGE(status.has_value(), "the collector did not stop: " << log());
  return *status;
}

void Collector::kill() {
  process_->signal(SIGKILL);
  REQUIRE(process_->wait().has_value());
}

// What all collectors of this place have said on stderr.
std::string Collector::log() const {
  std::string all;
  for (int i = 1; fs::exists(place_.root() / ("err." + std::to_string(i))); ++i)
    all += read_file(place_.root() / ("err." + std::to_string(i)));
  return all;
}

json::value Collector::ask(Arguments arguments) {
  arguments.insert(arguments.begin(), "--json");
  const Ran ran = ctl(arguments);
  REQUIRE_MESSAGE(ran.exit == 0, "arbiterctl " << arguments[1] << ": " << ran.err << log());
  json::error_code error;
  json::value answer = json::parse(ran.out, error);
  REQUIRE_MESSAGE(!error, "not one JSON document: " << ran.out);
  return answer;
}

fs::path Collector::snapshot(const Arguments& more) {
  Arguments arguments{"export", "--wait"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const json::value answer = ask(arguments);
  const fs::path path = std::string(answer.as_object().at("path").as_string());
  REQUIRE(fs::is_directory(path));
  return path;
}

std::vector<json::object> Collector::events(const Arguments& more) {
  Arguments arguments{"--json", "events", "--limit", "100000"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ran ran = ctl(arguments);
  REQUIRE_MESSAGE(ran.exit == 0, ran.err << log());
  std::vector<json::object> all;
  const json::value answer = json::parse(ran.out);
  for (const json::value& e : answer.as_array()) all.push_back(e.as_object());
  return all;
}

Figures figures_of(const fs::path& runs) {
  Figures f;
  std::int64_t total_ms = 0;
  auto lines = replay::Lines::open(runs);
  REQUIRE(lines.has_value());
  while (lines->next().value()) {
    const auto run = replay::parse_agent_run(lines->line());
    REQUIRE(run.has_value());
    ++f.runs;
    f.successes += run->success ? 1u : 0u;
    total_ms += run->completed_at_ms - run->started_at_ms;
  }
  f.mean_ms = static_cast<double>(total_ms) / static_cast<double>(f.runs);
  return f;
}

void check_figures(const json::object& stats, const Figures& expected) {
  CHECK(stats.at("totalRoutingDecisions").to_number<std::uint64_t>() == expected.runs);
  CHECK(stats.at("totalTaskExecutions").to_number<std::uint64_t>() == expected.runs);
  CHECK(stats.at("totalEvaluationOutcomes").to_number<std::uint64_t>() == expected.runs);
  CHECK(stats.at("retainedEvents").to_number<std::uint64_t>() == 4 * expected.runs);
  const double rate = expected.runs == 0 ? 0 : static_cast<double>(expected.successes) / static_cast<double>(expected.runs);
  CHECK(stats.at("overallSuccessRate").to_number<double>() == doctest::Approx(rate).epsilon(1e-12));
  CHECK(stats.at("averageCompletionTimeMs").to_number<double>() == doctest::Approx(expected.mean_ms).epsilon(1e-12));
  CHECK_MESSAGE(sum_of(stats.at("losses")) == 0, json::serialize(stats.at("losses")));
}

std::string event_line(std::string_view type, std::int64_t time_ns, const std::string& data) {
  return "{\"type\":\"" + std::string(type) + "\",\"timestampNs\":\"" + std::to_string(time_ns) + "\",\"data\":" + data + "}\n";
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint64_t sum_of(const json::value& losses) {
  if (losses.is_number()) return losses.to_number<std::uint64_t>();
  std::uint64_t sum = 0;
  if (losses.is_object())
    for (const auto& member : losses.get_object()) sum += sum_of(member.value());
  return sum;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<json::object> read_lines(const fs::path& path) {
  std::vector<json::object> all;
  auto lines = replay::Lines::open(path);
  REQUIRE_MESSAGE(lines.has_value(), path);
  for (;;) {
    const auto more = lines->next();
    REQUIRE_MESSAGE(more.has_value(), path);
    if (!*more) return all;
    json::parse_options deep;
    deep.max_depth = 128;
    const std::string_view line = lines->line();
    all.push_back(json::parse(json::string_view(line.data(), line.size()), {}, deep).as_object());
  }
}

std::string plain_config(const std::string& more) {
  return std::string("{") + kNoRetention + ", " + kNoAnonymization + (more.empty() ? "" : ", " + more) + "}";
}

void not_run(std::string_view test, std::string_view why) {
  std::printf("not run: %.*s: %.*s\n", static_cast<int>(test.size()), test.data(), static_cast<int>(why.size()), why.data());
}

std::optional<fs::path> real_runs(std::string_view test) {
  const char* const given = std::getenv("ARBITER_RUNS");
  const fs::path runs = given != nullptr ? given : ARBITER_SOURCE_DIR "/../shared/data/agent_runs.jsonl";
  if (fs::exists(runs)) return runs;
  not_run(test, "there is no " + runs.string() + " (ARBITER_RUNS names it)");
  return {};
}

bool needs_root(std::string_view test) {
  if (::geteuid() == 0) return true;
  not_run(test, "needs root");
  return false;
}

}  // namespace arbiter::test
