// arbiter-manual DIR: writes man pages and completions below DIR, as they are installed. Run by the build; not installed itself.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "tools/manual/completion.hpp"
#include "tools/manual/programs.hpp"

namespace {

namespace fs = std::filesystem;

bool write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (out.flush()) return true;
  std::fprintf(stderr, "arbiter-manual: cannot write %s\n", path.c_str());
  return false;
}

fs::path man_path(const std::string& name, int section) {
  const std::string number = std::to_string(section);
  return fs::path("man" + number) / (name + "." + number);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace arbiter;
  if (argc != 2) {
    std::fprintf(stderr, "usage: arbiter-manual DIR\n");
    return 2;
  }
  const fs::path directory = argv[1];
  bool good = write(directory / man_path(manual::kConfigurationName, manual::kConfigurationSection), manual::configuration_page());
  manual::for_each_program([&](const CLI::App& app, const manual::Page& about) {
    good = write(directory / man_path(app.get_name(), about.section), manual::page(app, about)) && good;
    good = write(directory / "bash" / app.get_name(), manual::bash_completion(app)) && good;
    good = write(directory / "zsh" / ("_" + app.get_name()), manual::zsh_completion(app)) && good;
  });
  return good ? 0 : 1;
}
