#include "tools/manual/completion.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include "collector/config/table.hpp"
#include "collector/config/windows.hpp"
#include "collector/detect/anomaly.hpp"
#include "shm/schema.hpp"

namespace arbiter::manual {
namespace {

struct Word {
  std::string name, help;
};

// One place in the tree: what may be written there.
struct Place {
  std::string path;         // "config set"; "" at the top
  std::vector<Word> words;  // commands, options
  std::string argument;     // name of what it takes by position: "KEY"
};

std::vector<Word> long_options(const CLI::App& app) {
  std::vector<Word> words;
  for (const CLI::Option* option : app.get_options())
    for (const auto& name : option->get_lnames()) words.push_back({"--" + name, option->get_description()});
  return words;
}

void gather(const CLI::App& app, const std::string& path, const std::vector<Word>& from_above, std::vector<Place>& out) {
  Place place{path, {}, {}};
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : subcommands) place.words.push_back({sub->get_name(), sub->get_description()});
  auto options = long_options(app);
  for (const Word& word : from_above)
    if (word.name != "--help" && word.name != "--version") options.push_back(word);
  place.words.insert(place.words.end(), options.begin(), options.end());
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) place.argument = option->get_name(true, false);
  out.push_back(place);
  for (const CLI::App* sub : subcommands) gather(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), options, out);
}

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& word : words) all.append(all.empty() ? "" : " ").append(word);
  return all;
}

std::string event_types() {
  std::vector<std::string> all;
  for (const auto& kind : schema::kKindTable)
    if (!std::string_view(kind.type).empty()) all.emplace_back(kind.type);
  return joined(all);
}

std::string anomaly_types() { return joined({std::begin(detect::kTypes), std::end(detect::kTypes)}); }

std::string windows() { return config::window_words(" "); }

std::string formats() { return config::format_words(" "); }

std::string keys(std::string_view suffix) {
  std::vector<std::string> all;
  for (const auto& key : config::keys()) all.push_back(std::string(key.path).append(suffix));
  return joined(all);
}

// The options that take a value, which is no command; what it may be, where that can be named; or that it is a file or a directory.
struct Valued {
  std::string name, values;
  bool files = false, directories = false;
};
void gather_valued(const CLI::App& app, std::vector<Valued>& out) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->get_items_expected_max() == 0) continue;
    const std::string type = option->get_type_name().substr(0, option->get_type_name().find(':')),
                      name = "--" + option->get_lnames().front();
    const std::string values = type == "TYPE"            ? event_types()
                               : type == "ANOMALY"       ? anomaly_types()
                               : type == "FORMAT"        ? formats()
                               : type == "REPORT_FORMAT" ? "text json html"
                               : type == "WINDOW"        ? windows()
                               : type == "WHEN"          ? "original now"
                                                         : "";
    // Of two commands' options of one name, the values of both.
    const auto known = std::find_if(out.begin(), out.end(), [&](const Valued& other) { return other.name == name; });
    if (known == out.end())
      out.push_back({name, values, type == "PATH" || type == "FILE", type == "DIR"});
    else if (known->values != values)
      known->values = joined({known->values, values});
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) gather_valued(*sub, out);
}

std::string pattern(const std::vector<Valued>& valued) {
  std::string all;
  for (const auto& option : valued) all += option.name + "|";
  if (!all.empty()) all.pop_back();
  return all;
}

std::string argument_values(const Place& place) {
  if (place.argument == "KEY") return keys("");
  if (place.argument == "KEY=VALUE") return keys("=");
  return {};
}

// In single quotes for a shell.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string origin(const CLI::App& app) {
  return "# Completion of " + app.get_name() + ", from its own description of its command line.\n";
}

// A name for a function of a shell.
std::string function_of(const CLI::App& app) {
  std::string name = "_" + app.get_name();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

// Finds `command` among the words before the one that is completed. `words` and `end` are the shell's.
std::string find_command(const std::string& valued, const std::string& begin, const std::string& words, const std::string& end) {
  return "for ((i = " + begin + "; i < " + end + "; i++)); do\n  case ${" + words + "[i]} in\n    " + valued +
         ") ((i++)) ;;\n    -*) ;;\n    *)\n      case $command in\n        '') command=${" + words +
         "[i]} ;;\n        config) command=\"config ${" + words + "[i]}\" ;;\n      esac ;;\n  esac\ndone\n";
}

bool takes_files(const Place& place) { return place.argument == "path" || place.argument == "PATH" || place.argument == "FILE"; }
bool takes_directories(const Place& place) { return place.argument == "DIR"; }

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::vector<Place> places;
  gather(app, "", {}, places);
  std::vector<Valued> valued;
  gather_valued(app, valued);
  std::string out = origin(app) + function_of(app) +
                    "() {\nlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= words= i\nCOMPREPLY=()\n"
                    "case $previous in\n";
  for (const auto& option : valued) {
    const std::string offer = !option.values.empty() ? "-W " + shell_quoted(option.values)
                              : option.files         ? "-f"
                              : option.directories   ? "-d"
                                                     : "";
    if (!offer.empty()) out += "  " + option.name + ") COMPREPLY=($(compgen " + offer + " -- \"$current\")); return ;;\n";
  }
  if (!valued.empty()) out += "  " + pattern(valued) + ") return ;;\n";
  out += "esac\n";
  if (places.size() > 1) out += find_command(pattern(valued), "1", "COMP_WORDS", "COMP_CWORD");
  out += "case $command in\n";
  for (const auto& place : places) {
    std::vector<std::string> words;
    for (const auto& word : place.words) words.push_back(word.name);
    if (const auto values = argument_values(place); !values.empty()) words.push_back(values);
    out += "  " + shell_quoted(place.path) + ") words=" + shell_quoted(joined(words));
    if (takes_files(place) || takes_directories(place))
      out += std::string("; [[ $current == -* ]] || { COMPREPLY=($(compgen ") + (takes_files(place) ? "-f" : "-d") +
             " -- \"$current\")); return; }";
    out += " ;;\n";
  }
  return out +
         "esac\nCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace +o "
         "filenames\n}\n" +
         "complete -o filenames -F " + function_of(app) + " " + app.get_name() + "\n";
}

std::string zsh_completion(const CLI::App& app) {
  std::vector<Place> places;
  gather(app, "", {}, places);
  std::vector<Valued> valued;
  gather_valued(app, valued);
  std::string out = "#compdef " + app.get_name() + "\n" + origin(app) + "local command= i\nlocal -a choices\ncase ${words[CURRENT-1]} in\n";
  for (const auto& option : valued) {
    const std::string offer = !option.values.empty() ? "compadd -- " + option.values
                              : option.files         ? "_files"
                              : option.directories   ? "_files -/"
                                                     : "";
    if (!offer.empty()) out += "  " + option.name + ") " + offer + "; return ;;\n";
  }
  if (!valued.empty()) out += "  " + pattern(valued) + ") return ;;\n";
  out += "esac\n";
  if (places.size() > 1) out += find_command(pattern(valued), "2", "words", "CURRENT");
  out += "case $command in\n";
  for (const auto& place : places) {
    out += "  " + shell_quoted(place.path) + ")\n    choices=(\n";
    for (const auto& word : place.words) out += "      " + shell_quoted(word.name + ":" + word.help) + "\n";
    out += "    )\n    _describe " + app.get_name() + " choices\n";
    if (const auto values = argument_values(place); !values.empty())
      out += std::string("    compadd ") + (place.argument == "KEY=VALUE" ? "-S '' " : "") + "-- " + values + "\n";
    if (takes_files(place)) out += "    _files\n";
    if (takes_directories(place)) out += "    _files -/\n";
    out += "    ;;\n";
  }
  return out + "esac\n";
}

}  // namespace arbiter::manual
