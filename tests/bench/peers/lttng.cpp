// LTTng-UST: trace points into its shared memory, from where its consumer daemon writes a trace. Its end of the way is the file: `lttng
// stop` returns when everything is there.
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "tests/bench/peers/peer.hpp"
#include "tests/bench/program.hpp"

namespace arbiter::bench::peers_of {
namespace {

namespace fs = std::filesystem;

// An ordinary user's daemon keeps its sockets below LTTNG_HOME, and so is private; root's does not, and there is one on the machine.
std::vector<std::string> home(const std::string& directory) { return {"LTTNG_HOME=" + directory}; }

// The session daemon: the one that runs, or one of ours, for as long as this lives.
class Daemon {
 public:
  explicit Daemon(const std::string& directory) {
    if (output_of({"lttng", "--no-sessiond", "list"}, home(directory))) return;
    pid_file_ = directory + "/lttng-sessiond.pid";
    if (auto started = output_of({"lttng-sessiond", "--daemonize", "--no-kernel", "--pidfile", pid_file_}, home(directory)); !started)
      error_ = started.error();
  }
  ~Daemon() {
    if (pid_file_.empty()) return;
    pid_t pid = 0;
    std::ifstream(pid_file_) >> pid;
    if (pid > 0) kill(pid, SIGTERM);
    for (int i = 0; i < 500 && pid > 0 && kill(pid, 0) == 0; ++i) sleep_for(std::chrono::milliseconds(10));
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  const Error& error() const { return error_; }  // empty: it runs

 private:
  std::string pid_file_;
  Error error_{};
};

struct Channel {
  const char* event;
  std::vector<std::string> options;
  bool blocking;
};

class Session {
 public:
  explicit Session(const std::string& directory)
      : home_(home(directory)), output_(directory + "/lttng-trace"), name_("arbiter-bench-" + std::to_string(getpid())) {}
  ~Session() {
    (void)lttng({"destroy", name_});
    std::error_code ignored;
    fs::remove_all(output_, ignored);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<void> start(const Channel& channel) {
    if (auto made = lttng({"create", name_, "--output=" + output_}); !made) return made;
    std::vector<std::string> enable{"enable-channel", "--userspace", "--session=" + name_};
    enable.insert(enable.end(), channel.options.begin(), channel.options.end());
    if (channel.blocking) enable.push_back("--blocking-timeout=inf");
    enable.push_back("events");
    if (auto made = lttng(enable); !made) return made;
    if (auto made =
            lttng({"enable-event", "--userspace", "--session=" + name_, "--channel=events", std::string("arbiter_bench:") + channel.event});
        !made)
      return made;
    return lttng({"start", name_});
  }
  Result<void> stop() { return lttng({"stop", name_}); }
  Result<std::uint64_t> discarded() {
    const auto said = output_of({"lttng", "list", name_}, home_);
    if (!said) return said.error();
    std::uint64_t events = 0;
    constexpr std::string_view before = "Discarded events:";
    for (std::size_t at = said->find(before); at != std::string::npos; at = said->find(before, at + 1))
      events += std::strtoull(said->c_str() + at + before.size(), nullptr, 10);
    return events;
  }

 private:
  Result<void> lttng(std::vector<std::string> command) {
    command.insert(command.begin(), "lttng");
    const auto done = output_of(command, home_);
    if (!done) return done.error();
    return {};
  }
  std::vector<std::string> home_;
  std::string output_, name_;
};

Result<Exchanged> traced(const Setting& setting, Manner manner, std::uint64_t events, const Channel& channel) {
  const Daemon daemon(setting.directory);
  if (!daemon.error().message.empty()) return daemon.error();
  Session session(setting.directory);
  if (auto started = session.start(channel); !started) return started.error();
  const char* const manners[] = {"burst", "saturated", "paced"};
  const double before = round_trip_ns();
  const auto said =
      output_of({setting.bin + "/arbiter-bench-lttng", channel.event, manners[static_cast<std::size_t>(manner)], std::to_string(events)},
                {"LTTNG_UST_ALLOW_BLOCKING=1", home(setting.directory).front()});
  if (!said) return said.error();
  if (auto stopped = session.stop(); !stopped) return stopped.error();
  const std::uint64_t ended = now_ns();
  const auto lost = session.discarded();
  if (!lost) return lost.error();
  static_assert(std::is_trivially_copyable_v<exchange::Produced>);
  exchange::Produced produced;
  if (said->size() != sizeof produced) return Error{"arbiter-bench-lttng is of another build: build both"};
  std::memcpy(&produced, said->data(), sizeof produced);
  Exchanged seen = exchange::summed_up(produced, manner, produced.sent - std::min(*lost, produced.sent), ended);
  seen.round_trip_ns = std::max(before, round_trip_ns());
  return seen;
}

// Room for whole bursts, and nothing lost back to back: what its users do who mind.
Channel roomy(const char* event, Manner manner) { return {event, {"--subbuf-size=4M", "--num-subbuf=16"}, manner == Manner::saturated}; }

}  // namespace

Result<Exchanged> lttng_fields(const Setting& setting, Manner manner, std::uint64_t events) {
  return traced(setting, manner, events, roomy("fields", manner));
}
Result<Exchanged> lttng_blob(const Setting& setting, Manner manner, std::uint64_t events) {
  return traced(setting, manner, events, roomy("blob", manner));
}
Result<Exchanged> lttng_by_default(const Setting& setting, Manner manner, std::uint64_t events) {
  return traced(setting, manner, events, {"fields", {}, false});
}

}  // namespace arbiter::bench::peers_of
