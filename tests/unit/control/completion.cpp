// The shipped completions follow from the tree of commands. ARBITER_WRITE_FILES=1 writes them anew instead of comparing.
#include "tools/arbiterctl/completion.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tools/arbiterctl/command_line.hpp"

namespace {

void check_file(const std::string& name, const std::string& wanted) {
  const std::string path = std::string(ARBITER_CONFIG_DIR) + "/completion/" + name;
  if (std::getenv("ARBITER_WRITE_FILES") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  std::ifstream in(path, std::ios::binary);
  const std::string found(std::istreambuf_iterator<char>(in), {});
  INFO(path << " no longer follows from the tree of commands: ARBITER_WRITE_FILES=1 and this test write it anew");
  CHECK((found == wanted));
}

// What bash offers for a command line, its last word being the one that is completed.
std::string offered(const std::string& words) {
  const std::string script = "source '" + std::string(ARBITER_CONFIG_DIR) + "/completion/arbiterctl.bash'; COMP_WORDS=(" + words +
                             "); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _arbiterctl 2>/dev/null; echo \"${COMPREPLY[*]}\"";
  std::FILE* const pipe = popen(("bash -c '" +
                                 [&script] {
                                   std::string quoted;
                                   for (const char c : script) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
                                   return quoted;
                                 }() +
                                 "'")
                                    .c_str(),
                                "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  pclose(pipe);
  return out.substr(0, out.find('\n'));
}

}  // namespace

TEST_CASE("config/completion is what the tree of commands says") {
  arbiter::ctl::Arguments arguments;
  const auto app = arbiter::ctl::command_line(arguments);
  check_file("arbiterctl.bash", arbiter::ctl::bash_completion(*app));
  check_file("_arbiterctl", arbiter::ctl::zsh_completion(*app));
}

TEST_CASE("bash offers commands, options, keys and values where they belong") {
  CHECK(offered("arbiterctl sta") == "status stats");
  CHECK(offered("arbiterctl --socket status sta") == "status stats");
  CHECK(offered("arbiterctl config ''") == "get set --help --socket --instance --json");
  CHECK(offered("arbiterctl config get retention.max_e") == "retention.max_events");
  CHECK(offered("arbiterctl config set log.l") == "log.level=");
  CHECK(offered("arbiterctl events --type task-") == "task-start task-execution");
  CHECK(offered("arbiterctl --json events --li") == "--limit");
  CHECK(offered("arbiterctl events --agent ''") == "");
}
