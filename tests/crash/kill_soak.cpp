// kill_soak: producers and a collector killed at random, and the account of every lane, to the event.
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <random>

#include "tests/crash/kill_soak_producer.hpp"
#include "tests/crash/kill_soak_supervisor.hpp"

namespace {

namespace fs = std::filesystem;
using namespace arbiter::soak;

constexpr const char* kFooter = R"(
Runs a real collector (segments of 2 MiB, so that it rotates, seals, checkpoints and lets go of old segments all the time) and real producer
processes: threads that come and go, events of up to 64 KiB, bursts that overflow their lanes, events that are refused, forked children that
record, completions of starts that others recorded. Kills them with SIGKILL at random and starts them again. Every few seconds all producers
end, and what the statistics, an export and the journal say is held against what the producers noted of each call, in memory that outlives
them: each event that was recorded is there once, whole and in its place; none that was not; and in each lane
  attempted = delivered + dropped + refused + in flight at a kill.
What is recorded follows from the seed; the moments of the kills are those of the machine. Exit status: 0 the account is exact, 1 it is not.

examples:
  kill_soak
  kill_soak --seconds 600 --seed 7
  kill_soak --seconds 60 --keep --directory /var/tmp
)";

fs::path make_directory(const fs::path& base) {
  std::string name = base / "kill-soak.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw fs::filesystem_error("cannot make a directory", base, std::error_code(errno, std::generic_category()));
  return name;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Producers and a collector killed at random, and the account of every lane, to the event.", "kill_soak"};
  SoakOptions options;
  options.seed = std::random_device{}();
  fs::path directory = fs::temp_directory_path(), ledger;
  bool keep = false;
  std::uint64_t producer = 0;
  app.add_option("--seed", options.seed, "what is recorded follows from it (default: a new one)");
  app.add_option("--seconds", options.seconds, "how long")->check(CLI::Range(1.0, 1e6))->capture_default_str();
  app.add_option("--producers", options.producers, "producer processes at a time")->check(CLI::Range(1, 64))->capture_default_str();
  app.add_option("--rate", options.rate, "events a second, about; bursts come on top")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  app.add_option("--kills", options.kills, "a second, about, while producers run")->check(CLI::Range(0.1, 100.0))->capture_default_str();
  app.add_option("--directory", directory, "where to make the directory for state and exports")
      ->check(CLI::ExistingDirectory)
      ->type_name("DIR");
  app.add_flag("--keep", keep, "leave the directories when it went well, too");
  app.add_option("--be-producer", producer)->group("");
  app.add_option("--ledger", ledger)->group("");
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::fprintf(stderr, "kill_soak: %s: see kill_soak --help\n", e.what());
    return 2;
  }
  try {
    if (producer != 0) return run_producer(ledger, producer);
    options.programs = fs::read_symlink("/proc/self/exe").parent_path();
    options.root = make_directory(directory);
    options.memory = ::access("/dev/shm", W_OK) == 0 ? make_directory("/dev/shm") : options.root;
    std::printf("kill_soak: seed %llu, in %s and %s\n", static_cast<unsigned long long>(options.seed), options.root.c_str(),
                options.memory.c_str());
    std::fflush(stdout);
    bool well;
    {
      Supervisor supervisor(options);
      well = supervisor.run();
      supervisor.print_account();
      for (const std::string& what : supervisor.wrong()) std::printf("WRONG: %s\n", what.c_str());
    }
    if (!well || keep) {
      std::printf("%s: seed %llu; what was found is in %s and %s\n", well ? "kept" : "FAILED",
                  static_cast<unsigned long long>(options.seed), options.root.c_str(), options.memory.c_str());
    } else {
      fs::remove_all(options.root);
      fs::remove_all(options.memory);
    }
    return well ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kill_soak: %s\n", e.what());
    return 1;
  }
}
