// One man page, in mdoc(7): what a program says of its command line, and the few things that it does not say.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace arbiter::manual {

struct Entry {
  std::string name, text;
};

// What does not follow from the command line.
struct Page {
  int section = 1;
  std::string summary;             // "collects what agents record": after the name
  std::vector<Entry> environment;  // variables, and what they do
  std::vector<Entry> files;        // paths, and what lies there
  std::vector<std::string> see;    // "arbiterctl 1"
};

// Plain text as mdoc: nothing in it is taken for a macro or an escape.
std::string escaped(std::string_view text);
// A paragraph of it, broken into lines behind each sentence, as mdoc wants it.
std::string paragraph(std::string_view text);
std::string heading(std::string_view name, int section, std::string_view summary);
std::string list_of(std::string_view section, std::string_view macro, const std::vector<Entry>& entries);  // "": there are none
std::string see_also(const std::vector<std::string>& pages);

// The whole page. The footer of `app` goes to where it belongs: examples, exit status, and what is left to the description.
std::string page(const CLI::App& app, const Page& about);

}  // namespace arbiter::manual
