#include "tools/arbiterctl/command_line.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>

#include <chrono>
#include <iterator>
#include <string>
#include <vector>

#include "collector/config/nearest.hpp"
#include "collector/config/table.hpp"
#include "collector/config/units.hpp"
#include "collector/config/windows.hpp"
#include "collector/control/time_text.hpp"
#include "collector/detect/anomaly.hpp"
#include "tools/arbiterctl/top/keys.hpp"

namespace arbiter::ctl {
namespace {

constexpr const char* kExamples = R"(Examples:
  arbiterctl status
  arbiterctl stats --json
  arbiterctl events --since -15m --type task-execution
  arbiterctl export --since time:2026-11-23T00:00:00Z --format jsonl
  ARBITER_SOCKET=/srv/arbiter.sock arbiterctl task task-1
  arbiterctl COMMAND --help   says more about one command

The collector's socket is looked for in --socket, ARBITER_SOCKET, /run/arbiter/control.sock, and the user's own place.
Exit status: 0 success, 1 failure, 2 usage.)";

CLI::Validator time_validator() {
  const auto check = [](const std::string& text) {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
    const auto time = control::parse_time(text, now.count());
    return time ? std::string() : time.error().message;
  };
  return CLI::Validator(check, "", "time");
}

CLI::Validator format_validator() {
  const auto check = [](const std::string& text) {
    if (!config::files_of_format(text).empty()) return std::string();
    std::string wrong = "\"" + text + "\" is no format: write some of ";
    wrong.append(config::format_words(", "));
    return wrong;
  };
  return CLI::Validator(check, "", "format");
}

CLI::App* command(CLI::App& app, const std::string& name, const std::string& what, const std::string& examples) {
  CLI::App* const sub = app.add_subcommand(name, what);
  sub->footer("Examples:\n" + examples);
  return sub;
}

// Which windows there are, the collector knows.
void window_option(CLI::App& command, Arguments& into) {
  const auto check = [](const std::string& text) {
    if (text == config::kRetained || config::parse_duration(text)) return std::string();
    return "\"" + text + "\" is no window: write " + config::window_words(", ") + ", or another that the configuration names";
  };
  command
      .add_option("--window", into.profiles.window,
                  "Over the last 5m, 1h, 24h or 7d, or what else the configuration has; or \"retained\": exactly what retention has left")
      ->type_name("WINDOW")
      ->check(CLI::Validator(check, "", "window"));
}

void fresh_option(CLI::App& command, Arguments& into) {
  command.add_flag("--fresh,!--no-fresh", into.profiles.fresh, "Take what has been recorded until now first (the default), or not");
}

CLI::Option* key_files_option(CLI::App& command, std::vector<std::string>& into) {
  return command.add_option("--key-file", into, "Key it is encrypted under; several are tried")->type_name("FILE");
}

}  // namespace

std::unique_ptr<CLI::App> command_line(Arguments& into) {
  auto app = std::make_unique<CLI::App>("Asks a running arbiter-collector, and tells it what to do.", "arbiterctl");
  app->require_subcommand(1);
  app->fallthrough();  // --json and --socket may stand behind the command
  app->set_version_flag("--version", "arbiterctl " ARBITER_VERSION);
  app->footer(kExamples);
  app->add_option("--socket", into.socket, "Control socket of the collector")->type_name("PATH");
  app->add_option("--instance", into.instance, "The collector that was started with this name")->type_name("NAME");
  app->add_flag("--json", into.json, "Print one JSON document and nothing else");

  command(*app, "status", "Is it running, is it well, what does it read from",
          "  arbiterctl status\n  arbiterctl status --json | jq .health");

  CLI::App* const top = command(*app, "top", "A live picture: rates, losses, lanes, agents; q leaves it, ? shows the keys",
                                "  arbiterctl top\n  arbiterctl top --every 0.5 --window 1h\n  ssh -t HOST arbiterctl top");
  top->add_option("--every", into.every, "Seconds between two looks (2)")
      ->type_name("SECONDS")
      ->check(CLI::Range(top::kEverySecondsMin, top::kEverySecondsMax).description(""));
  window_option(*top, into);

  CLI::App* const stats = command(*app, "stats", "Exact statistics over what is retained, or over a window",
                                  "  arbiterctl stats\n  arbiterctl stats --json | jq .overallSuccessRate\n  arbiterctl stats --no-fresh\n"
                                  "  arbiterctl stats --window 1h --agent agent-7 --task-type code-review");
  window_option(*stats, into);
  fresh_option(*stats, into);
  stats->add_option("--agent", into.profiles.agent, "Of this agent")->type_name("AGENT");
  stats->add_option("--task-type", into.profiles.task_type, "Of this type of task")->type_name("TASK_TYPE");

  CLI::App* const agents =
      command(*app, "agents", "How each agent does, or all that is known of one, over the longest window or another",
              "  arbiterctl agents\n  arbiterctl agents --window 24h\n  arbiterctl agents --window retained\n  arbiterctl agents agent-7\n"
              "  arbiterctl agents agent-7 --json | jq .latencyMs.p95");
  agents->add_option("NAME", into.profiles.agent, "As it was recorded, anonymised or not");
  window_option(*agents, into);
  fresh_option(*agents, into);

  CLI::App* const task =
      command(*app, "task", "Everything recorded about one task", "  arbiterctl task task-1\n  arbiterctl task task-1 --json | jq .reward");
  task->add_option("TASK_ID", into.task_id, "As it was recorded, anonymised or not")->required();

  CLI::App* const anomalies = command(*app, "anomalies", "What got worse: whose, since when, on what evidence, and what moved with it",
                                      "  arbiterctl anomalies\n  arbiterctl anomalies --open --json | jq '.open[].summary'\n"
                                      "  arbiterctl anomalies --kind error_rate_increase --agent agent-7");
  anomalies->add_flag("--open", into.anomalies.open_only, "Only what is not over yet");
  anomalies->add_option("--kind", into.anomalies.type, "Of this type")
      ->type_name("ANOMALY")
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(detect::kTypes), std::end(detect::kTypes))).description(""));
  anomalies->add_option("--agent", into.anomalies.agent, "Of this agent")->type_name("AGENT");
  anomalies->add_option("--limit", into.anomalies.limit, "At most so many that are over, the latest (100)")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 53).description(""));

  CLI::App* const report = command(*app, "report", "How everybody did over a window: by time, agent by agent, and what got worse",
                                   "  arbiterctl report\n  arbiterctl report --window 24h --format html > report.html\n"
                                   "  arbiterctl report --window 1h --format json | jq .everybody.latencyMs\n"
                                   "The page is one file with plots that needs no other and fetches nothing: to send, to print, to keep.");
  window_option(*report, into);
  fresh_option(*report, into);
  report->add_option("--format", into.report_format, "text (the default), json or html")
      ->type_name("REPORT_FORMAT")
      ->check(CLI::IsMember(std::vector<std::string>{"text", "json", "html"}).description(""));

  CLI::App* const events = command(*app, "events", "The newest events that match, in order of time",
                                   "  arbiterctl events --limit 20\n  arbiterctl events --since -15m --type routing-decision\n"
                                   "  arbiterctl events --since 2026-11-23T06:00:00Z --until 2026-11-23T07:00:00Z --agent agent-7 --json\n"
                                   "A TIME is RFC 3339, Unix milliseconds, \"now\", -15m or \"15m ago\".");
  events->add_option("--since", into.events.since, "Events of this time or later")->type_name("TIME")->check(time_validator());
  events->add_option("--until", into.events.until, "Events before this time")->type_name("TIME")->check(time_validator());
  events->add_option("--type", into.events.type, "Of this type, such as task-execution")->type_name("TYPE");
  events->add_option("--agent", into.events.agent, "Of this agent")->type_name("AGENT");
  events->add_option("--task", into.events.task, "Of this task")->type_name("TASK_ID");
  events->add_option("--limit", into.events.limit, "At most so many, the newest (1000)")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 53).description(""));

  CLI::App* const exported = command(*app, "export", "Make a snapshot for training jobs, and say where it is",
                                     "  arbiterctl export\n  arbiterctl export --since time:2026-11-23T00:00:00Z\n"
                                     "  arbiterctl export --since snapshot:7\n"
                                     "  python3 train.py \"$(arbiterctl export --wait)\"\n"
                                     "  arbiterctl export --format events.jsonl,trajectories.jsonl --json | jq -r .path");
  exported
      ->add_option(
          "--since", into.since,
          "Only events of this time or later; or those that came or changed since a snapshot (its number) or a cursor (of its manifest)")
      ->type_name("time:TIME|snapshot:N|cursor:C");
  exported->add_option("--format", into.formats, "Files it has, instead of the configured ones")
      ->type_name("FORMAT")
      ->delimiter(',')
      ->check(format_validator());
  exported->add_flag("--wait", into.wait, "Print its path and nothing else, for scripts; it always returns when the snapshot is complete");

  CLI::App* const verify =
      command(*app, "verify", "Check snapshots against their manifests; needs no collector",
              "  arbiterctl verify /var/lib/arbiter/exports/latest\n  arbiterctl verify DIR --json | jq .problems\n"
              "  arbiterctl verify exports/0*7 exports/0*8 exports/0*9   a full snapshot and its increments, in order");
  verify->add_option("DIR", into.directories, "The snapshot's directory; several: those of a chain of increments, in order")->required();
  key_files_option(*verify, into.key_files);

  CLI::App* const decrypt =
      command(*app, "decrypt", "The plain text of an encrypted snapshot, or of one file of it; needs no collector",
              "  arbiterctl decrypt exports/latest --key-file encryption.key --to plain\n"
              "  arbiterctl decrypt exports/latest/events.jsonl.zst.enc --key-file encryption.key | zstd -dc | head -1\n"
              "  arbiter-inspect --events --key-file encryption.key journal/*.sealed   what is in the journal");
  decrypt->add_option("PATH", into.path, "The snapshot's directory, or a file")->required();
  key_files_option(*decrypt, into.key_files)->required();
  decrypt->add_option("--to", into.to, "The directory that is made for a snapshot; the file, else to stdout")->type_name("PATH");

  CLI::App* const keygen = command(*app, "keygen", "Make a key for encryption.key_file; needs no collector",
                                   "  arbiterctl keygen /etc/arbiter/encryption.key\n"
                                   "Keep a copy of it where the data is not: who loses it loses what is encrypted.");
  keygen->add_option("FILE", into.to, "Made with mode 0600; never overwritten")->required();

  command(*app, "flush", "Return when everything recorded until now is kept", "  arbiterctl flush");
  command(*app, "pause", "Stop recording in every producer, within a second; survives restarts", "  arbiterctl pause");
  command(*app, "resume", "Go on recording", "  arbiterctl resume");

  CLI::App* const config =
      command(*app, "config", "The running configuration", "  arbiterctl config get\n  arbiterctl config set retention.max_age=3d");
  config->require_subcommand(1);
  CLI::App* const get =
      command(*config, "get", "Show it, or one key of it",
              "  arbiterctl config get\n  arbiterctl config get retention.max_age\n  arbiterctl config get retention --json\n"
              "  arbiterctl config get --diff   what is not as it would be without a configuration");
  CLI::Option* const key = get->add_option("KEY", into.key, "Such as retention.max_age, or a group such as retention");
  get->add_flag("--defaults", into.defaults, "The defaults, instead of what is running");
  get->add_flag("--diff", into.diff, "Only what differs from the defaults, beside them")->excludes(key)->excludes("--defaults");
  CLI::App* const set =
      command(*config, "set", "Change keys until the collector restarts or reads its file again",
              "  arbiterctl config set retention.max_events=100\n  arbiterctl config set log.level=debug export.interval=null\n"
              "All of them are taken over, or none. To keep a change, write it in the configuration file.");
  set->add_option("KEY=VALUE", into.assignments, "The value as in the file; quotes may be left out")->required();

  CLI::App* const clear = command(*app, "clear", "Forget every retained event, for good", "  arbiterctl clear --yes");
  clear->add_flag("--yes", into.yes, "Yes, forget them");
  return app;
}

std::string chosen(const CLI::App& parsed) {
  std::string name;
  const CLI::App* at = &parsed;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    name.append(name.empty() ? "" : " ").append(at->get_name());
  }
  return name;
}

}  // namespace arbiter::ctl
