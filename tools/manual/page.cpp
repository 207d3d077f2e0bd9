#include "tools/manual/page.hpp"

#include <algorithm>
#include <sstream>

namespace arbiter::manual {
namespace {

// The parts of a footer: paragraphs in the order in which they stand, examples and exit status apart.
struct Footer {
  std::vector<std::string> paragraphs;
  std::string examples, exit_status;
};

Footer parts(const std::string& footer) {
  Footer out;
  std::istringstream lines(footer);
  bool examples = false, fresh = true;
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with("  ");
    if (line == "Examples:") {
      examples = true;
    } else if (examples && indented) {
      out.examples += line.substr(2) + "\n";
    } else if (line.starts_with("Exit status: ")) {
      out.exit_status = line.substr(line.find(": ") + 2);
    } else if (line.empty()) {
      fresh = true;
    } else {
      examples = false;
      // What is indented or begins with a name and a colon stands on a line of its own.
      if (fresh || indented || line.find(": ") < line.find(' ')) out.paragraphs.emplace_back();
      if (!out.paragraphs.back().empty()) out.paragraphs.back() += ' ';
      out.paragraphs.back() += line;
      fresh = indented;
    }
  }
  return out;
}

std::string type_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.substr(0, type.find(':'));
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() != 0; }

std::string flags(const CLI::Option& option) {
  std::string out;
  for (const auto& name : option.get_snames()) out += (out.empty() ? "" : " , ") + ("Fl " + escaped(name));
  for (const auto& name : option.get_lnames()) out += (out.empty() ? "" : " , ") + ("Fl Fl " + escaped(name));
  if (takes_value(option)) out += " Ar " + escaped(type_of(option));
  return out;
}

std::string described(const CLI::Option& option) {
  std::string text = option.get_description();
  if (!option.get_default_str().empty()) text += " (default: " + option.get_default_str() + ")";
  if (!text.ends_with('.') && !text.ends_with("...")) text += '.';
  return paragraph(text);
}

void options_of(const CLI::App& app, std::string& out) {
  std::string items;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional())
      items += ".It Ar " + escaped(option->get_name(true, false)) + "\n" + described(*option);
    else if (option != app.get_help_ptr() || app.get_parent() == nullptr)
      items += ".It " + flags(*option) + "\n" + described(*option);
  }
  if (!items.empty()) out += ".Bl -tag -width Ds\n" + items + ".El\n";
}

std::string literal(const std::string& text) {
  std::string out = ".Bd -literal -offset indent\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += escaped(line) + "\n";
  return out + ".Ed\n";
}

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

void positionals_of(const CLI::App& app, std::string& out) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) {
      const std::string name = " Ar " + escaped(option->get_name(true, false)) + (option->get_items_expected_max() > 1 ? " ..." : "");
      out += option->get_required() ? name : " Oo" + name + " Oc";
    }
}

// "config set KEY=VALUE": each command that can be given, with its options and examples.
void command_sections(const CLI::App& app, const std::string& path, std::string& out) {
  for (const CLI::App* sub : commands_of(app)) {
    const std::string name = path.empty() ? sub->get_name() : path + " " + sub->get_name();
    if (!commands_of(*sub).empty()) {
      command_sections(*sub, name, out);
      continue;
    }
    out += ".Ss " + escaped(name) + "\n.Nm Cm " + escaped(name);
    positionals_of(*sub, out);
    out += "\n.Pp\n" + paragraph(sub->get_description() + ".");
    options_of(*sub, out);
    const Footer footer = parts(sub->get_footer());
    if (!footer.examples.empty()) out += literal(footer.examples);
    for (const auto& text : footer.paragraphs) out += ".Pp\n" + paragraph(text);
  }
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && out.empty())
      out += std::string("\\&") + c;
    else
      out += c;
  }
  return out;
}

std::string paragraph(std::string_view text) {
  std::string out, line;
  std::istringstream words{std::string(text)};
  const auto end_line = [&] {
    if (!line.empty()) out += escaped(line) + "\n";
    line.clear();
  };
  constexpr std::size_t wide = 80;  // so that mandoc has nothing to say
  for (std::string word; words >> word;) {
    if (escaped(line + " " + word).size() > wide) end_line();
    line += (line.empty() ? "" : " ") + word;
    const bool sentence = word.size() > 1 && (word.back() == '.' || word.back() == '?') && !word.ends_with("..");
    if (sentence) end_line();
  }
  end_line();
  return out;
}

std::string heading(std::string_view name, int section, std::string_view summary) {
  std::string title(name);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return ".\\\" Made when Arbiter was built, of what its programs say with --help.\n.Dd " ARBITER_MANUAL_DATE "\n.Dt " + title + " " +
         std::to_string(section) + "\n.Os Arbiter " ARBITER_VERSION "\n.Sh NAME\n.Nm " + escaped(name) + "\n.Nd " + std::string(summary) +
         "\n";
}

std::string list_of(std::string_view section, std::string_view macro, const std::vector<Entry>& entries) {
  if (entries.empty()) return {};
  std::string out = ".Sh " + std::string(section) + "\n.Bl -tag -width Ds\n";
  for (const Entry& entry : entries) out += ".It " + std::string(macro) + " " + escaped(entry.name) + "\n" + paragraph(entry.text);
  return out + ".El\n";
}

std::string see_also(const std::vector<std::string>& pages) {
  std::string out = ".Sh SEE ALSO\n";
  for (const auto& name : pages) out += ".Xr " + name + (&name == &pages.back() ? "\n" : " ,\n");
  return out;
}

std::string page(const CLI::App& app, const Page& about) {
  const Footer footer = parts(app.get_footer());
  std::string out = heading(app.get_name(), about.section, about.summary) + ".Sh SYNOPSIS\n.Nm\n";
  for (const CLI::Option* option : app.get_options())
    if (!option->get_positional() && option != app.get_help_ptr() && option != app.get_version_ptr()) out += ".Op " + flags(*option) + "\n";
  if (!commands_of(app).empty()) out += ".Ar COMMAND\n";
  std::string positionals;
  positionals_of(app, positionals);
  if (!positionals.empty()) out += "." + positionals.substr(1) + "\n";
  out += ".Nm\n.Fl Fl help | Fl Fl version\n.Sh DESCRIPTION\n" + paragraph(app.get_description());
  for (const auto& text : footer.paragraphs) out += ".Pp\n" + paragraph(text);
  out += ".Pp\nThe options are as follows:\n";
  options_of(app, out);
  std::string commands;
  command_sections(app, "", commands);
  if (!commands.empty()) out += ".Sh COMMANDS\n" + commands;
  out += list_of("ENVIRONMENT", "Ev", about.environment) + list_of("FILES", "Pa", about.files);
  if (!footer.exit_status.empty()) out += ".Sh EXIT STATUS\n" + paragraph(footer.exit_status);
  if (!footer.examples.empty()) out += ".Sh EXAMPLES\n" + literal(footer.examples);
  return out + see_also(about.see);
}

}  // namespace arbiter::manual
