// What arbiterctl understands: one tree of commands and options, from which parsing, --help and the completions of the shells follow.
#pragma once

#include <CLI/App.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tools/arbiterctl/client.hpp"

namespace arbiter::ctl {

struct Arguments {
  std::string socket, instance;
  bool json = false;

  client::ProfilesFilter profiles;       // stats, agents, report
  std::string task_id;                   // task
  client::AnomaliesFilter anomalies;     // anomalies
  client::EventsFilter events;           // events
  std::string report_format = "text";    // report
  std::string since;                     // export
  std::vector<std::string> formats;      // export
  bool wait = false;                     // export: its path alone
  std::vector<std::string> directories;  // verify
  std::string path, to;                  // decrypt; keygen: to
  std::vector<std::string> key_files;    // verify, decrypt
  std::string key;                       // config get
  bool defaults = false, diff = false;   // config get
  std::vector<std::string> assignments;  // config set
  bool yes = false;                      // clear
  double every = 2;                      // top: seconds
};

// `into` takes what is parsed and outlives the tree.
std::unique_ptr<CLI::App> command_line(Arguments& into);

// The command that was given: "stats", "config set".
std::string chosen(const CLI::App& parsed);

}  // namespace arbiter::ctl
