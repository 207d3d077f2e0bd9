#include "tests/crash/power_disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <utility>

namespace arbiter::power {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512, kPage = 4096;

void grow(std::string& file, std::uint64_t size) {
  if (file.size() < size) file.resize(size, '\0');
}

void apply_whole(std::string& file, const Disk::Pending& p) {
  switch (p.call) {
    case Call::write:
      grow(file, p.offset + p.data.size());
      std::memcpy(file.data() + p.offset, p.data.data(), p.data.size());
      break;
    case Call::resize: file.resize(p.offset, '\0'); break;
    default: grow(file, p.offset); break;
  }
}

// Some sectors or pages of the write, by chance, in no order.
void apply_torn(std::string& file, const Disk::Pending& p, std::mt19937_64& random) {
  const std::uint64_t unit = random() % 2 == 0 ? kSector : kPage;
  const std::uint64_t keep = 1 + random() % 3;  // of four
  if (random() % 2 == 0) grow(file, p.offset + p.data.size());
  for (std::uint64_t at = p.offset; at < p.offset + p.data.size();) {
    const std::uint64_t next = std::min(p.offset + p.data.size(), (at / unit + 1) * unit);
    if (random() % 4 < keep) {
      grow(file, next);
      std::memcpy(file.data() + at, p.data.data() + (at - p.offset), next - at);
    }
    at = next;
  }
}

std::string contents(const Disk::Node& file, Choice& choice) {
  std::string data = file.data;
  for (const Disk::Pending& p : file.pending) {
    switch (choice.fate) {
      case Fate::lost: break;
      case Fate::chosen:
        if (choice.next_kept()) apply_whole(data, p);
        break;
      case Fate::kept:
      case Fate::data_only: apply_whole(data, p); break;
      case Fate::names_only:
        if (p.call == Call::write)
          grow(data, p.offset + p.data.size());
        else
          apply_whole(data, p);
        break;
      case Fate::chance:
        switch (choice.random() % 4) {
          case 0: break;
          case 1:
            if (p.call == Call::write) {
              apply_torn(data, p, choice.random);
              break;
            }
            [[fallthrough]];
          default: apply_whole(data, p); break;
        }
        break;
    }
  }
  return data;
}

void change_names(std::map<std::string, std::shared_ptr<Disk::Node>>& names, const Disk::NameChange& c) {
  if (!c.gone.empty())
    if (const auto it = names.find(c.gone); it != names.end() && it->second == c.node) names.erase(it);
  if (!c.name.empty()) names[c.name] = c.node;
}

}  // namespace

std::vector<Entry> read_log(std::string_view log) {
  std::vector<Entry> entries;
  while (!log.empty()) {
    Entry e;
    if (log.size() < sizeof e.record) throw std::runtime_error("the log ends within a record");
    std::memcpy(&e.record, log.data(), sizeof e.record);
    log.remove_prefix(sizeof e.record);
    const std::uint64_t rest = std::uint64_t{e.record.path_bytes} + e.record.other_bytes + e.record.data_bytes;
    if (e.record.magic != LogRecord::kMagic || log.size() < rest) throw std::runtime_error("the log is damaged");
    e.path = log.substr(0, e.record.path_bytes);
    e.other = log.substr(e.record.path_bytes, e.record.other_bytes);
    e.data = log.substr(e.record.path_bytes + e.record.other_bytes, e.record.data_bytes);
    log.remove_prefix(rest);
    entries.push_back(e);
  }
  return entries;
}

Disk::Disk() { root_->kind = Node::Kind::directory; }

Disk::Where Disk::where(std::string_view path) const {
  std::shared_ptr<Node> directory = root_;
  path.remove_prefix(1);
  for (std::size_t slash; (slash = path.find('/')) != std::string_view::npos; path.remove_prefix(slash + 1)) {
    const auto it = directory->names.find(std::string(path.substr(0, slash)));
    if (it == directory->names.end()) throw std::runtime_error("the log has no directory of " + std::string(path));
    directory = it->second;
  }
  return {directory, std::string(path)};
}

std::shared_ptr<const Disk::Node> Disk::at(std::string_view path) const {
  if (path == "/") return root_;
  const Where w = where(path);
  const auto it = w.directory->names.find(w.name);
  return it == w.directory->names.end() ? nullptr : it->second;
}

void Disk::change(Node& directory, NameChange c) {
  change_names(directory.names, c);
  directory.changes.push_back(std::move(c));
}

std::shared_ptr<Disk::Node> Disk::add(std::string_view path, Node::Kind kind) {
  const Where w = where(path);
  auto node = std::make_shared<Node>();
  node->kind = kind;
  change(*w.directory, {node, {}, w.name});
  return node;
}

void Disk::apply(const Entry& e, bool syncs) {
  const LogRecord& r = e.record;
  const auto node = [&] {
    const auto it = by_inode_.find(r.inode);
    return it == by_inode_.end() ? nullptr : it->second;
  };
  switch (r.call) {
    case Call::create: by_inode_[r.inode] = e.path.empty() ? std::make_shared<Node>() : add(e.path, Node::Kind::file); break;
    case Call::mkdir: by_inode_[r.inode] = add(e.path, Node::Kind::directory); break;
    case Call::symlink: add(e.path, Node::Kind::link)->data = e.other; break;
    case Call::write:
    case Call::resize:
    case Call::allocate:
      if (const auto file = node()) file->pending.push_back({r.call, r.offset, e.data});
      break;
    case Call::sync_begin:
      if (const auto n = e.path == "/" ? root_ : node(); n && syncs)
        syncing_[r.offset] = {n, n->settled + n->pending.size(), n->settled_changes + n->changes.size()};
      break;
    case Call::sync_end: {
      const auto it = syncing_.find(r.offset);
      if (it == syncing_.end()) break;
      Node& n = *it->second.node;
      const std::uint64_t pending = it->second.pending, changes = it->second.changes;
      std::size_t done = 0;  // another sync of it may have come first
      for (; n.settled < pending; ++n.settled) apply_whole(n.data, n.pending[done++]);
      n.pending.erase(n.pending.begin(), n.pending.begin() + static_cast<std::ptrdiff_t>(done));
      done = 0;
      for (; n.settled_changes < changes; ++n.settled_changes) change_names(n.durable_names, n.changes[done++]);
      n.changes.erase(n.changes.begin(), n.changes.begin() + static_cast<std::ptrdiff_t>(done));
      syncing_.erase(it);
      break;
    }
    case Call::rename: {
      const Where from = where(e.path), to = where(e.other);
      if (from.directory != to.directory) throw std::runtime_error("renamed into another directory: " + std::string(e.path));
      change(*from.directory, {from.directory->names.at(from.name), from.name, to.name});
      break;
    }
    case Call::link: {
      const Where to = where(e.other);
      std::shared_ptr<Node> file = node();
      if (!e.path.empty()) {
        const Where from = where(e.path);
        file = from.directory->names.at(from.name);
      }
      change(*to.directory, {file, {}, to.name});
      break;
    }
    case Call::unlink:
    case Call::rmdir: {
      const Where w = where(e.path);
      change(*w.directory, {w.directory->names.at(w.name), w.name, {}});
      break;
    }
    case Call::mark: break;
  }
}

void Disk::put(const Node& directory, const std::string& prefix, Choice& choice, Tree& tree) const {
  auto names = directory.durable_names;
  if (choice.fate == Fate::kept || choice.fate == Fate::names_only) {
    names = directory.names;
  } else if (choice.fate == Fate::chance || choice.fate == Fate::chosen) {
    std::size_t reached = choice.random() % (directory.changes.size() + 1);
    if (choice.fate == Fate::chosen)
      for (reached = 0; reached < directory.changes.size() && choice.next_kept();) ++reached;
    for (std::size_t i = 0; i < reached; ++i) change_names(names, directory.changes[i]);
  }
  for (const auto& [name, node] : names) {
    const std::string path = prefix + "/" + name;
    switch (node->kind) {
      case Node::Kind::file: tree[path] = contents(*node, choice); break;
      case Node::Kind::link: tree[path + "@"] = node->data; break;
      case Node::Kind::directory:
        tree[path + "/"];
        put(*node, path, choice, tree);
        break;
    }
  }
}

Disk::Tree Disk::after_cut(Choice& choice) const {
  Tree tree;
  put(*root_, "", choice, tree);
  return tree;
}

Disk::Tree Disk::live() const {
  Choice all{Fate::kept};
  return after_cut(all);
}

unsigned Disk::open_questions() const {
  unsigned most = 0;
  for (const std::uint64_t kept : {std::uint64_t{0}, ~std::uint64_t{0}}) {
    Choice choice{Fate::chosen, {}, kept};
    static_cast<void>(after_cut(choice));
    most = std::max(most, choice.asked);
  }
  return most;
}

bool Disk::has_durable_name(std::string_view path, const Node& node) const {
  const Where w = where(path);
  const auto it = w.directory->durable_names.find(w.name);
  return it != w.directory->durable_names.end() && it->second.get() == &node;
}

void write_tree(const Disk::Tree& tree, const fs::path& root) {
  std::error_code none;
  fs::remove_all(root, none);
  fs::create_directories(root);
  for (const auto& [name, data] : tree) {
    const fs::path path = root.string() + name;
    if (name.back() == '/') {
      fs::create_directory(path.parent_path());
    } else if (name.back() == '@') {
      fs::create_symlink(data, root.string() + name.substr(0, name.size() - 1));
    } else {
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
      const bool written = fd >= 0 && ::write(fd, data.data(), data.size()) == static_cast<ssize_t>(data.size());
      ::close(fd);
      if (!written) throw std::runtime_error("cannot write " + path.string());
    }
  }
}

Disk::Tree read_tree(const fs::path& root) {
  Disk::Tree tree;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().string().substr(root.string().size());
    if (it->is_symlink()) {
      tree[name + "@"] = fs::read_symlink(it->path()).string();
    } else if (it->is_directory()) {
      tree[name + "/"];
    } else {
      std::ifstream in(it->path(), std::ios::binary);
      tree[name].assign(std::istreambuf_iterator<char>(in), {});
    }
  }
  return tree;
}

}  // namespace arbiter::power
