// spdlog's asynchronous logger: a line of JSON an event, formatted by the caller, written to a file by a thread of its own. Who waits for
// the events reads that file as it grows.
#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {
namespace {

struct Log {
  static constexpr bool kOwnProcesses = true, kTakeWaits = false;
  static constexpr std::size_t kMessagesMax = 32'768;

  explicit Log(const std::string& directory) : file(directory + "/spdlog.jsonl") {
    close(open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
  }
  ~Log() { std::filesystem::remove(file); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  std::string file;

  struct Producer {
    explicit Producer(Log& way) {
      spdlog::init_thread_pool(kMessagesMax, 1);
      log = spdlog::create_async<spdlog::sinks::basic_file_sink_mt>("events", way.file);
      log->set_pattern("%v");
    }
    ~Producer() {
      log.reset();
      spdlog::shutdown();
    }
    Producer(const Producer&) = delete;
    Producer& operator=(const Producer&) = delete;
    bool send(std::uint64_t i) {
      log->info(
          R"({{"sequence":{},"stamp":{},"executionId":"{}","taskId":"{}","agentId":"{}","taskType":"{}","success":{},"qualityScore":{},"efficiencyScore":{},"tokensConsumed":{}}})",
          i, cycles(), kExecution, kTask, kAgent, "code-review", true, 0.9, 0.8, static_cast<std::uint32_t>(i));
      return true;
    }
    void flush() { log->flush(); }
    std::shared_ptr<spdlog::logger> log;
  };
  struct Consumer {
    explicit Consumer(Log& way) : file(open(way.file.c_str(), O_RDONLY | O_CLOEXEC)), buffer(1 << 20) {}
    ~Consumer() { close(file); }
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    std::uint64_t take() {
      const ssize_t got = read(file, buffer.data(), buffer.size());
      return got <= 0 ? 0 : static_cast<std::uint64_t>(std::count(buffer.begin(), buffer.begin() + got, '\n'));
    }
    int file;
    std::vector<char> buffer;
  };
};

}  // namespace

Result<Exchanged> spdlog_json(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<Log>(setting.directory, manner, events);
}

}  // namespace arbiter::bench::peers_of
