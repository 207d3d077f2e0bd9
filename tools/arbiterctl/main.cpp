// arbiterctl: asks a running collector, and tells it what to do.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "collector/config/load.hpp"
#include "collector/config/places.hpp"
#include "collector/config/table.hpp"
#include "collector/crypt/keyring.hpp"
#include "collector/privacy/key.hpp"
#include "collector/snapshot/decrypt.hpp"
#include "collector/snapshot/verify.hpp"
#include "tools/arbiterctl/client.hpp"
#include "tools/arbiterctl/command_line.hpp"
#include "tools/arbiterctl/report/report.hpp"
#include "tools/arbiterctl/rows.hpp"
#include "tools/arbiterctl/show.hpp"
#include "tools/arbiterctl/terminal.hpp"
#include "tools/arbiterctl/top/top.hpp"

namespace {

using namespace arbiter;
using namespace arbiter::ctl;
namespace json = boost::json;

constexpr std::chrono::seconds kLookMax{2};  // at how far a long export has come
constexpr int kSuccess = 0, kFailure = 1, kUsage = 2;

int complain(const std::string& what, int status = kFailure) {
  std::fprintf(stderr, "arbiterctl: %s\n", harmless(what).c_str());
  return status;
}

// What the collector calls a bad request is one that this command line has put badly.
int complain(const Error& error) { return complain(error.message, error.code == 400 ? kUsage : kFailure); }

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int print(const client::Client& collector, const Arguments& arguments, const Result<json::object>& answer,
          std::string (*text)(const json::object&)) {
  if (!answer) return complain(answer.error());
  print(arguments.json ? collector.answer_text() : text(*answer));
  return kSuccess;
}

int stats(client::Client& collector, const Arguments& arguments) {
  const auto& asked = arguments.profiles;
  if (asked.window.empty() && asked.agent.empty() && asked.task_type.empty())
    return print(collector, arguments, collector.stats(asked.fresh), stats_text);
  return print(collector, arguments, collector.window_stats(asked), profile_text);
}

int report(client::Client& collector, const Arguments& arguments) {
  const auto made = ctl::report(collector, arguments.profiles);
  if (!made) return complain(made.error());
  if (arguments.json || arguments.report_format == "json")
    print(json::serialize(*made) + "\n");
  else if (arguments.report_format == "html")
    print(report_page(*made, plots_script()));
  else
    print(report_text(*made));
  return kSuccess;
}

int events(client::Client& collector, const Arguments& arguments) {
  bool first = true;
  const auto result = collector.events(arguments.events, [&](std::string_view line) {
    if (arguments.json) {
      print(first ? "[\n" : ",\n");
      print(line);
    } else {
      print(event_line(line) + "\n");
    }
    first = false;
    return std::ferror(stdout) == 0;
  });
  if (!result) return complain(result.error());
  if (arguments.json) print(first ? "[]\n" : "\n]\n");
  return kSuccess;
}

int export_snapshot(client::Client& collector, const Arguments& arguments) {
  std::vector<std::string> formats;
  for (const auto& format : arguments.formats) {
    const auto files = config::files_of_format(format);
    formats.insert(formats.end(), files.begin(), files.end());
  }
  const auto exported = [&] {
    const Progress progress("exporting a snapshot", [beside = std::make_shared<client::Client>(collector.socket())] {
      const auto status = beside->ask("GET", "/v1/status", {}, kLookMax);
      return status ? export_progress_text(*status) : std::string();
    });
    return collector.export_snapshot(arguments.since, formats);
  }();
  return print(collector, arguments, exported, arguments.wait ? export_path : export_text);
}

// To a file that is made, for its owner alone, or to stdout.
int decrypt_one(const std::string& path, const std::string& to, const crypt::Keyring& keys) {
  const auto from = journal::File::open(path, O_RDONLY);
  if (!from) return complain(from.error());
  const int fd = to.empty() ? STDOUT_FILENO : ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return complain(system_error(to));
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(to.empty() ? nullptr : ::fdopen(fd, "wb"), &std::fclose);
  std::FILE* const out = file != nullptr ? file.get() : stdout;
  const auto done = snapshot::decrypt_file(**from, keys, [&](std::string_view piece) -> Result<void> {
    if (std::fwrite(piece.data(), 1, piece.size(), out) != piece.size()) return system_error("writing");
    return {};
  });
  if (done && std::fflush(out) == 0) return kSuccess;
  const Error failed = done ? system_error("writing") : done.error();
  if (!to.empty()) ::unlink(to.c_str());
  return complain(failed.while_(path));
}

json::object report_json(const snapshot::VerifyReport& report) {
  json::array problems;
  for (const auto& problem : report.problems) problems.emplace_back(problem);
  return {{"ok", report.ok()},
          {"snapshot", report.snapshot},
          {"files", report.files},
          {"encrypted", report.encrypted},
          {"bytes", report.bytes},
          {"events", report.events},
          {"trajectories", report.trajectories},
          {"decisions", report.decisions},
          {"problems", std::move(problems)}};
}

int decrypt(client::Client&, const Arguments& arguments) {
  const auto keys = crypt::load_keyring({}, arguments.key_files);
  if (!keys) return complain(keys.error());
  std::error_code none;
  if (std::filesystem::is_directory(arguments.path, none)) {
    if (arguments.to.empty()) return complain("a snapshot is decrypted into a directory: name one with --to, which is made");
    const Progress progress("decrypting");
    const auto made = snapshot::decrypt_snapshot(arguments.path, arguments.to, *keys);
    if (!made) return complain(made.error());
    if (arguments.json)
      print(json::serialize(json::object{{"path", arguments.to}, {"files", made->files}, {"bytes", made->bytes}}) + "\n");
    else
      print(arguments.to + "\n");
    return kSuccess;
  }
  return decrypt_one(arguments.path, arguments.to, *keys);
}

int keygen(client::Client&, const Arguments& arguments) {
  const auto key = privacy::create_key(arguments.to);
  if (!key && key.error().code == EEXIST) return complain(arguments.to + ": is there already, and is not overwritten: name another file");
  if (!key) return complain(key.error());
  const std::string id = privacy::fingerprint_text(key->fingerprint());
  if (arguments.json)
    print(json::serialize(json::object{{"path", arguments.to}, {"key", id}}) + "\n");
  else
    print(arguments.to + ": the key " + id + ": keep a copy of it where the data is not\n");
  return kSuccess;
}

int verify(client::Client&, const Arguments& arguments) {
  const auto keys = crypt::load_keyring({}, arguments.key_files);
  if (!keys) return complain(keys.error());
  std::vector<snapshot::VerifyReport> reports;
  for (const std::string& directory : arguments.directories) {
    const Progress progress("verifying");
    auto report = snapshot::verify(directory, *keys);
    if (!report) return complain(report.error());
    reports.push_back(std::move(*report));
  }
  if (reports.size() > 1)
    for (std::string& problem : snapshot::check_chain(reports)) reports.back().problems.push_back(std::move(problem));
  std::size_t problems = 0;
  for (const auto& report : reports) problems += report.problems.size();
  if (arguments.json) {
    json::object document = report_json(reports.back());
    if (reports.size() > 1) {
      json::array all;
      for (const auto& report : reports) all.push_back(report_json(report));
      document = {{"ok", problems == 0}, {"snapshots", std::move(all)}};
    }
    print(json::serialize(document) + "\n");
  }
  for (std::size_t i = 0; i < reports.size() && !arguments.json; ++i) {
    const auto& report = reports[i];
    if (report.ok())
      print(coloured("good", Colour::good) + ": snapshot " + std::to_string(report.snapshot) + ": " + grouped(report.files) + " files, " +
            grouped(report.events) + " events, " + grouped(report.trajectories) + " trajectories, " + grouped(report.decisions) +
            " decisions" +
            (report.encrypted == 0 ? "" : "; " + grouped(report.encrypted) + " are encrypted: decrypt them to check their rows") + "\n");
    for (const auto& problem : report.problems) complain(problem);
  }
  if (problems == 0) return kSuccess;
  if (reports.size() == 1)
    return complain(arguments.directories.front() + ": is not what its manifest says (" + std::to_string(problems) +
                    " problems): do not train on it; export another");
  return complain("these are no whole chain of snapshots (" + std::to_string(problems) + " problems): do not train on them");
}

int config_get(client::Client& collector, const Arguments& arguments) {
  const auto& path = arguments.key;
  if (!path.empty() && config::find_key(path) == nullptr && !config::is_group(path)) {
    const auto guess = config::nearest_key(path);
    return complain(path + ": no such key: " +
                        (guess.empty() ? "arbiterctl config get shows all there are" : "did you mean " + std::string(guess) + "?"),
                    kUsage);
  }
  if (arguments.diff) return print(collector, arguments, collector.config_differing(), differing_text);
  const auto answer = arguments.defaults ? collector.config_defaults() : collector.config();
  if (!answer || path.empty()) return print(collector, arguments, answer, config_text);
  const std::size_t dot = path.find('.');
  const json::value* value = answer->if_contains(path.substr(0, dot));
  if (value != nullptr && dot != path.npos) value = value->is_object() ? value->get_object().if_contains(path.substr(dot + 1)) : nullptr;
  if (value == nullptr) return complain(path + ": this collector has no such key: it is of another version");
  if (arguments.json || !value->is_object())
    print(json::serialize(*value) + "\n");
  else
    print(config_text({{path, *value}}));
  return kSuccess;
}

// `from` over `into`, groups merged.
void merge(json::object& into, const json::object& from) {
  for (const auto& [name, value] : from) {
    auto& there = into[name];
    if (there.is_object() && value.is_object())
      merge(there.get_object(), value.get_object());
    else
      there = value;
  }
}

int config_set(client::Client& collector, const Arguments& arguments) {
  json::object changes;
  for (const auto& text : arguments.assignments) {
    const auto assignment = config::assignment(text);
    if (!assignment) return complain(assignment.error().message, kUsage);
    merge(changes, *assignment);
  }
  return print(collector, arguments, collector.set_config(changes), applied_text);
}

int clear(client::Client& collector, const Arguments& arguments) {
  if (!arguments.yes) return complain("clear forgets every retained event, for good: add --yes", kUsage);
  return print(collector, arguments, collector.clear(),
               [](const json::object&) { return std::string("every retained event is forgotten\n"); });
}

int top(client::Client& collector, const Arguments& arguments) {
  if (arguments.json) return complain("top is for a terminal: arbiterctl status --json and GET /metrics are for programs", kUsage);
  top::Options options{collector.socket(), std::chrono::milliseconds(static_cast<int>(arguments.every * 1000))};
  if (!arguments.profiles.window.empty()) options.window = arguments.profiles.window;
  const auto ended = top::run(options);
  return ended ? kSuccess : complain(ended.error());
}

using Command = std::function<int(client::Client&, const Arguments&)>;

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> all = {
      {"status", [](auto& collector, const auto& a) { return print(collector, a, collector.status(), status_text); }},
      {"stats", stats},
      {"agents",
       [](auto& collector, const auto& a) {
         return print(collector, a, collector.agents(a.profiles), a.profiles.agent.empty() ? agents_text : profile_text);
       }},
      {"task",
       [](auto& collector, const auto& a) {
         if (a.task_id.empty()) return complain("an id has at least one byte", kUsage);
         return print(collector, a, collector.task(a.task_id), task_text);
       }},
      {"anomalies", [](auto& collector, const auto& a) { return print(collector, a, collector.anomalies(a.anomalies), anomalies_text); }},
      {"report", report},
      {"events", events},
      {"top", top},
      {"export", export_snapshot},
      {"verify", verify},
      {"decrypt", decrypt},
      {"keygen", keygen},
      {"flush",
       [](auto& collector, const auto& a) {
         return print(collector, a, collector.flush(),
                      [](const json::object&) { return std::string("everything recorded until now is kept\n"); });
       }},
      {"pause",
       [](auto& collector, const auto& a) {
         return print(collector, a, collector.pause(),
                      [](const json::object&) { return std::string("recording is paused: arbiterctl resume goes on\n"); });
       }},
      {"resume",
       [](auto& collector, const auto& a) {
         return print(collector, a, collector.resume(), [](const json::object&) { return std::string("recording goes on\n"); });
       }},
      {"config get", config_get},
      {"config set", config_set},
      {"clear", clear},
  };
  return all;
}

int run(int argc, char** argv) {
  Arguments arguments;
  const auto app = command_line(arguments);
  try {
    app->parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app->exit(e);  // --help, --version
    const std::string command = chosen(*app);
    return complain(std::string(e.what()) + ": see arbiterctl " + (command.empty() ? "" : command + " ") + "--help", kUsage);
  }
  std::string socket = arguments.socket;
  if (socket.empty()) {
    if (const auto named = config::places(config::surroundings(), arguments.instance); !named)
      return complain(named.error().message, kUsage);
    socket = config::client_socket(config::surroundings(), arguments.instance);
  }
  client::Client collector(socket);
  const int status = commands().at(chosen(*app))(collector, arguments);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain("the answer could not be written to stdout: is the disk full?");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    return complain(e.what());
  }
}
