// arbiterctl as people and scripts run it, against a server whose service is a double.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <fstream>
#include <iterator>
#include <thread>

#include "fake_service.hpp"

using namespace arbiter;
using namespace arbiter::control;

namespace {

struct Outcome {
  int status = -1;
  std::string out, err;
};

std::string read_all(int descriptor) {
  std::string all;
  std::array<char, 4096> piece;
  for (ssize_t got; (got = read(descriptor, piece.data(), piece.size())) > 0;) all.append(piece.data(), static_cast<std::size_t>(got));
  close(descriptor);
  return all;
}

Outcome run(std::vector<std::string> arguments, std::vector<std::string> environment = {}) {
  arguments.insert(arguments.begin(), ARBITERCTL);
  std::vector<char*> argv, envp;
  for (auto& argument : arguments) argv.push_back(argument.data());
  for (auto& variable : environment) envp.push_back(variable.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  int out[2], err[2];
  REQUIRE(pipe2(out, O_CLOEXEC) == 0);
  REQUIRE(pipe2(err, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, ARBITERCTL, &actions, nullptr, argv.data(), envp.data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  close(err[1]);
  Outcome outcome;
  std::thread errors([&] { outcome.err = read_all(err[0]); });
  outcome.out = read_all(out[0]);
  errors.join();
  int ended = 0;
  waitpid(child, &ended, 0);
  outcome.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
  return outcome;
}

struct Running : Fixture {
  Running() { start(); }
  Outcome ctl(std::vector<std::string> arguments) {
    const Ordered here(service.order);
    arguments.insert(arguments.begin(), {"--socket", options.socket});
    return run(std::move(arguments));
  }
  std::string json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Outcome outcome = ctl(std::move(arguments));
    CHECK(outcome.status == 0);
    CHECK(outcome.err == "");
    CHECK_NOTHROW(boost::json::parse(outcome.out));
    return outcome.out;
  }
};

}  // namespace

TEST_CASE("with --json each command prints the collector's answer as one document") {
  Running f;
  CHECK(f.json({"status"}) == "{\"state\":\"running\"}\n");
  CHECK(f.json({"stats"}) == "{\"fresh\":true}\n");
  CHECK(f.json({"stats", "--fresh"}) == "{\"fresh\":true}\n");
  CHECK(f.json({"stats", "--no-fresh"}) == "{\"fresh\":false}\n");
  CHECK(f.json({"task", "a b/c%"}) == "{\"taskId\":\"a b/c%\"}\n");
  CHECK(f.json({"export"}) == "{\"since\":\"\",\"formats\":[]}\n");
  CHECK(f.json({"export", "--since", "time:1000", "--format", "jsonl,trajectories.jsonl", "--wait"}) ==
        "{\"since\":\"time:1970-01-01T00:00:01.000000000Z\",\"formats\":[\"events.jsonl.zst\",\"trajectories.jsonl\"]}\n");
  CHECK(f.json({"flush"}) == "{\"flushed\":true}\n");
  CHECK(f.json({"pause"}) == "{\"enabled\":false}\n");
  CHECK(f.json({"resume"}) == "{\"enabled\":true}\n");
  CHECK(f.json({"config", "get"}) == "{\"enabled\":true}\n");
  CHECK(f.json({"config", "get", "enabled"}) == "true\n");
  CHECK(f.json({"config", "set", "retention.max_events=100", "retention.max_age=null", "log.level=debug"}) ==
        "{\"changes\":{\"retention\":{\"max_events\":100,\"max_age\":null},\"log\":{\"level\":\"debug\"}}}\n");
  CHECK(f.json({"clear", "--yes"}) == "{\"cleared\":true}\n");
}

TEST_CASE("events are lines for people and one array with --json") {
  Running f;
  service::EventsQuery asked;
  f.service.on_events = [&asked](const auto& query, const auto& line) {
    asked = query;
    line(
        R"({"id":"x-0-1","type":"task-start","timestamp":"2026-11-23T06:40:00.123Z","agentId":"a\u001b[31m","taskId":"t","data":{"taskId":"t","context":{"k":1}}})");
    line(R"({"id":"x-0-2","type":"note","timestamp":"2026-11-23T06:40:00.124Z","data":{}})");
    return Result<void>();
  };
  const auto array =
      boost::json::parse(f.json({"events", "--limit", "5", "--since", "-1h", "--type", "x y", "--agent", "a&b", "--task", "t"})).as_array();
  REQUIRE(array.size() == 2);
  CHECK(array[1].at("type") == "note");
  CHECK(asked.limit == 5);
  CHECK(asked.type == "x y");
  CHECK(asked.agent == "a&b");
  CHECK(asked.task == "t");
  CHECK(asked.since_ns.has_value());

  const Outcome people = f.ctl({"events"});
  CHECK(people.status == 0);
  CHECK(people.out ==
        "2026-11-23T06:40:00.123Z  task-start                  a?[31m        t             context={\"k\":1}\n"
        "2026-11-23T06:40:00.124Z  note                        -             -             \n");

  f.service.on_events = [](const auto&, const auto&) { return Result<void>(); };
  CHECK(f.json({"events"}) == "[]\n");
}

TEST_CASE("for people, answers are tables without colour in a pipe") {
  Running f;
  f.service.on_stats = [](bool) {
    return boost::json::parse(
               R"({"retainedEvents": 27408, "totalRoutingDecisions": 6852, "totalTaskExecutions": 6852, "totalEvaluationOutcomes": 6852,
      "overallSuccessRate": 0.28852889667250437, "successes": 1977, "averageCompletionTimeMs": 1909195.405283, "collectionStartedAt": "2026-11-23T06:40:00.000Z",
      "lastUpdatedAt": null, "eventsByType": {"task-start": 6852}, "losses": {"dropped": 3, "droppedByReason": {"laneFull": 3}}, "lifetime": {"attempted": 27411}})")
        .as_object();
  };
  const Outcome stats = f.ctl({"stats"});
  CHECK(stats.status == 0);
  CHECK(stats.out ==
        "Retained\n"
        "  events                    27,408\n"
        "  routing decisions         6,852\n"
        "  task executions           6,852\n"
        "  evaluation outcomes       6,852\n"
        "  success rate              28.8529 % (1,977 of 6,852)\n"
        "  mean completion time      1909195.405 ms\n"
        "  collection started        2026-11-23T06:40:00.000Z\n"
        "  last updated              -\n"
        "\nBy type\n"
        "  task-start                6,852\n"
        "\nLost\n"
        "  dropped                   3\n"
        "    laneFull                3\n"
        "\nSince the store was created\n"
        "  attempted                 27,411\n");
  CHECK(f.json({"stats"}).find("\"averageCompletionTimeMs\":1909195.405283,") != std::string::npos);
  CHECK(f.ctl({"config", "get"}).out == "enabled = true\n");
  CHECK(f.ctl({"pause"}).out == "recording is paused: arbiterctl resume goes on\n");
  f.service.on_set_config = [](const auto&) {
    return boost::json::parse(R"({"applied": ["log.level"], "needs_restart": ["state_dir"]})").as_object();
  };
  CHECK(f.ctl({"config", "set", "log.level=debug", "state_dir=/x"}).out ==
        "changed: log.level\nnot changed: state_dir: write it in the configuration file and restart the collector\n");
}

TEST_CASE("what fails is said on stderr, with nothing on stdout") {
  Running f;
  f.service.on_task = [](std::string_view) -> Result<boost::json::object> { return Error{"no event of this task is retained", 404}; };
  const Outcome missing = f.ctl({"task", "x", "--json"});
  CHECK(missing.status == 1);
  CHECK(missing.out == "");
  CHECK(missing.err == "arbiterctl: no event of this task is retained\n");

  f.service.on_set_config = [](const auto&) -> Result<boost::json::object> {
    return Error{"retention.max_bytes: 2MiB is less than ...", 400};
  };
  CHECK(f.ctl({"config", "set", "retention.max_bytes=2MiB"}).status == 2);

  const Outcome nobody = run({"--socket", f.directory.path + "/none", "status"});
  CHECK(nobody.status == 1);
  CHECK(nobody.err == "arbiterctl: " + f.directory.path +
                          "/none: No such file or directory: start arbiter-collector, or name the socket of a running one with --socket or "
                          "ARBITER_SOCKET\n");
}

TEST_CASE("a command line that is wrong is 2, with what is wrong and where to look") {
  const auto wrong = [](std::vector<std::string> arguments) {
    const Outcome outcome = run(std::move(arguments));
    CHECK(outcome.status == 2);
    CHECK(outcome.out == "");
    return outcome.err;
  };
  CHECK(wrong({}) == "arbiterctl: A subcommand is required: see arbiterctl --help\n");
  CHECK(wrong({"nonsense"}).find("see arbiterctl --help") != std::string::npos);
  CHECK(wrong({"task"}) == "arbiterctl: TASK_ID is required: see arbiterctl task --help\n");
  CHECK(wrong({"config"}) == "arbiterctl: A subcommand is required: see arbiterctl config --help\n");
  CHECK(wrong({"events", "--since", "soon"}) ==
        "arbiterctl: --since: \"soon\" is no time: write 2026-11-23T06:40:00Z, Unix milliseconds, -15m or \"15m ago\": see arbiterctl "
        "events --help\n");
  CHECK(wrong({"events", "--limit", "0"}).starts_with("arbiterctl: --limit: "));
  CHECK(wrong({"export", "--format", "csv"})
            .find("\"csv\" is no format: write some of jsonl, trajectories, dsjson, npy, parquet, events.jsonl.zst") != std::string::npos);
  CHECK(wrong({"config", "set", "retention.max_evnts=1"}) ==
        "arbiterctl: retention.max_evnts: no such key: did you mean retention.max_events?\n");
  CHECK(wrong({"config", "set", "enabled=maybe"}) == "arbiterctl: enabled: \"maybe\" is not allowed: write true or false\n");
  CHECK(wrong({"config", "get", "retension"}) == "arbiterctl: retension: no such key: did you mean retention?\n");
  CHECK(wrong({"clear"}) == "arbiterctl: clear forgets every retained event, for good: add --yes\n");
  CHECK(wrong({"--instance", "a/b", "status"}).find("is no name of an instance") != std::string::npos);
}

TEST_CASE("every command has --help with examples, and there is --version") {
  CHECK(run({"--version"}).out.starts_with("arbiterctl 0."));
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{},
                                                                                       {"status"},
                                                                                       {"stats"},
                                                                                       {"task"},
                                                                                       {"events"},
                                                                                       {"export"},
                                                                                       {"verify"},
                                                                                       {"flush"},
                                                                                       {"pause"},
                                                                                       {"resume"},
                                                                                       {"config", "get"},
                                                                                       {"config", "set"},
                                                                                       {"clear"}}) {
    auto arguments = command;
    arguments.emplace_back("--help");
    const Outcome help = run(arguments);
    CHECK(help.status == 0);
    CHECK(help.err == "");
    CHECK(help.out.find("Examples:\n  arbiterctl ") != std::string::npos);
  }
}

TEST_CASE("an answer that cannot be written is a failure") {
  Running f;
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0) return;
  const pid_t child = fork();
  if (child == 0) {
    dup2(full, STDOUT_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    execl(ARBITERCTL, "arbiterctl", "--socket", f.options.socket.c_str(), "status", nullptr);
    _exit(99);
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  close(full);
  CHECK(WEXITSTATUS(ended) == 1);
}

TEST_CASE("verify needs no collector, and says what keeps it from verifying") {
  const TemporaryDirectory directory;
  const Outcome missing = run({"verify", directory.path + "/none"});
  CHECK(missing.status == 1);
  CHECK(missing.out == "");
  CHECK(missing.err.starts_with("arbiterctl: " + directory.path + "/none"));
  std::ofstream(directory.path + "/manifest.json") << "not JSON";
  const Outcome unreadable = run({"verify", directory.path, "--json"});
  CHECK(unreadable.status == 1);
  CHECK(unreadable.out == "");
  CHECK(unreadable.err.find("manifest.json") != std::string::npos);
}

TEST_CASE("the socket is found in ARBITER_SOCKET") {
  Running f;
  const Outcome found = run({"stats", "--json"}, {"ARBITER_SOCKET=" + f.options.socket});
  CHECK(found.status == 0);
  CHECK(found.out == "{\"fresh\":true}\n");
}
