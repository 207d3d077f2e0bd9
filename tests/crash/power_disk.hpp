// A disk as a power cut may leave it: takes the calls of a log one after the other, and keeps apart what has been synced and what has not.
//
// What is promised to whoever syncs, and nothing more: fsync and fdatasync of a file make its data and size durable, not its name; fsync of
// a directory makes the names in it durable as they were when it began. All else may have reached the disk or not: each write as a whole,
// in part (sectors of 512 bytes, pages of 4 KiB), or only as far as the file's size; each change of names. The names in one directory
// change in order, as in any file system with a log; nothing else does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/crash/power_log.hpp"

namespace arbiter::power {

// A record of the log, in the memory that holds all of it.
struct Entry {
  LogRecord record;
  std::string_view path, other, data;
};
std::vector<Entry> read_log(std::string_view log);

enum class Fate : std::uint8_t {
  kept,        // all that was asked for has reached the disk: as after the kill of a process
  lost,        // nothing that was not synced
  names_only,  // names and sizes, no data: what a rename without a sync before it risks
  data_only,   // data, no names
  chance,      // each for itself
  chosen,      // each as the choice says, kept or lost
};

// What becomes of what was not synced; one object for one cut.
struct Choice {
  Fate fate;
  std::mt19937_64 random{};
  std::uint64_t kept = 0;  // chosen: bit i: the i-th that is asked for
  unsigned asked = 0;
  bool next_kept() { return (kept >> (asked++ % 64) & 1) != 0; }
};

class Disk {
 public:
  struct Node;
  Disk();

  // `syncs`: false: the call is taken for one that did nothing.
  void apply(const Entry& entry, bool syncs = true);

  // What may be there if power went now: path below the root to contents; a directory has a name that ends in /, a symbolic link one that
  // ends in @.
  using Tree = std::map<std::string, std::string>;
  Tree after_cut(Choice& choice) const;
  Tree live() const;

  unsigned open_questions() const;  // that a choice is asked; at most so many
  std::shared_ptr<const Node> at(std::string_view path) const;
  bool has_durable_name(std::string_view path, const Node& node) const;  // in its directory; not that the directory has one

  struct Pending {  // of a file's data
    Call call;
    std::uint64_t offset;
    std::string_view data;
  };
  struct NameChange {  // of one node's name in a directory
    std::shared_ptr<Node> node;
    std::string gone, name;  // empty: none
  };
  struct Node {
    enum class Kind : std::uint8_t { file, directory, link } kind = Kind::file;
    // File: what is durable, and what came after. Link: what it says.
    std::string data;
    std::vector<Pending> pending;
    std::uint64_t settled = 0;  // calls before those, and changes before those below
    std::uint64_t settled_changes = 0;
    // Directory:
    std::map<std::string, std::shared_ptr<Node>> durable_names, names;
    std::vector<NameChange> changes;  // since
  };

 private:
  struct Where {
    std::shared_ptr<Node> directory;
    std::string name;
  };
  struct Syncing {
    std::shared_ptr<Node> node;
    std::uint64_t pending, changes;  // settled when it has returned
  };

  Where where(std::string_view path) const;
  std::shared_ptr<Node> add(std::string_view path, Node::Kind kind);
  void change(Node& directory, NameChange change);
  void put(const Node& directory, const std::string& prefix, Choice& choice, Tree& tree) const;

  std::shared_ptr<Node> root_ = std::make_shared<Node>();
  std::map<std::uint64_t, std::shared_ptr<Node>> by_inode_;
  std::map<std::uint64_t, Syncing> syncing_;
};

// Makes the tree below `root`, which is emptied first.
void write_tree(const Disk::Tree& tree, const std::filesystem::path& root);
Disk::Tree read_tree(const std::filesystem::path& root);

}  // namespace arbiter::power
