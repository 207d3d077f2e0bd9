#include "collector/ingest/lanes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "collector/log/log.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::ingest {
namespace {

constexpr std::string_view kQuarantinedPrefix = "quarantined-";
constexpr unsigned kNamesTried = 100;

// Descriptors that segments leave to everything else: a quarter of what there are, between these.
constexpr int kDescriptorsKeptMin = 64, kDescriptorsKeptMax = 1024;

// Whoever owns a directory may put anything in the place of what is in it: the one of the lanes, and the one above, where doorbell, lock
// and the word that switches recording off lie, are ours, or root's.
std::optional<Error> foreign(const std::string& directory, const struct stat& status) {
  if (status.st_uid == geteuid() || status.st_uid == 0) return std::nullopt;
  return Error{"directory " + directory + " belongs to user " + std::to_string(status.st_uid), EPERM};
}

using Listing = std::unique_ptr<DIR, int (*)(DIR*)>;

Listing list(int directory) {
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const listing = copy < 0 ? nullptr : fdopendir(copy);
  if (listing == nullptr && copy >= 0) close(copy);
  return {listing, closedir};
}

// A segment is two mappings: what the collector may write, and what it may not. A quarter is left to everything else.
std::size_t mappable_segments() {
  std::size_t mappings = 65530;  // the kernel's own default
  if (std::ifstream setting("/proc/sys/vm/max_map_count"); setting) setting >> mappings;
  return std::max<std::size_t>(16, (mappings - mappings / 4) / 2);
}

}  // namespace

void raise_descriptor_limit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

Result<Lanes> Lanes::open(const std::string& ring_dir, bool shared, std::size_t max_producers) {
  std::error_code failed;
  const std::filesystem::path parent = std::filesystem::path(ring_dir).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failed);
  struct stat status {};
  if (!parent.empty() && stat(parent.c_str(), &status) == 0)
    if (auto error = foreign(parent, status)) return *error;
  if (mkdir(ring_dir.c_str(), 0700) == 0) {
    if (shared && chmod(ring_dir.c_str(), 03733) != 0) return system_error("mode of lanes directory " + ring_dir);
  } else if (errno != EEXIST) {
    return system_error("lanes directory " + ring_dir);
  }
  const int fd = ::open(ring_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return system_error("lanes directory " + ring_dir);
  Lanes lanes(ring_dir, fd, max_producers);
  if (fstat(fd, &status) != 0) return system_error("lanes directory " + ring_dir);
  if (auto error = foreign(ring_dir, status)) return *error;
  // Segments are made, renamed and removed here: find out now, not when the first agent has come.
  if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) return system_error("lanes directory " + ring_dir + " cannot be written");
  return lanes;
}

Lanes::Lanes(std::string ring_dir, int fd, std::size_t max_producers)
    : ring_dir_(std::move(ring_dir)), fd_(fd), max_producers_(max_producers), mappable_(mappable_segments()), descriptors_(INT_MAX) {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > INT_MAX) return;
  const auto limit = static_cast<int>(files.rlim_cur);
  descriptors_ = limit - std::clamp(limit / 4, std::min(kDescriptorsKeptMin, limit / 2), kDescriptorsKeptMax);
}

Lanes::Lanes(Lanes&& other) noexcept
    : ring_dir_(std::move(other.ring_dir_)),
      fd_(std::exchange(other.fd_, -1)),
      max_producers_(other.max_producers_),
      mappable_(other.mappable_),
      descriptors_(other.descriptors_),
      sources_(std::move(other.sources_)),
      looked_at_(other.looked_at_),
      attached_(std::move(other.attached_)),
      left_alone_(std::move(other.left_alone_)) {}

Lanes::~Lanes() {
  sources_.clear();  // they unlink through the directory's descriptor
  if (fd_ >= 0) close(fd_);
}

bool Lanes::scan(bool disabled) {
  const Listing listing = list(fd_);
  if (!listing) {
    say_full("the lanes directory cannot be listed (" + std::string(std::strerror(errno)) +
             "): new producers wait: raise the limit of open files (LimitNOFILE)");
    return false;
  }
  ++scans_;
  std::size_t attached = 0;
  bool all_tried = true, full = false;
  while (const dirent* entry = readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || name.starts_with(kQuarantinedPrefix)) continue;
    if (attached_.contains(name)) continue;
    const auto left = left_alone_.find(name);
    if (left != left_alone_.end()) {
      left->second.seen = scans_;
      if (!left->second.again) continue;
    }
    if (full || attached == kAttachedAtOnce) {
      all_tried = false;
      continue;
    }
    switch (attach(std::string(name), disabled)) {
      case Tried::attached: ++attached; break;
      case Tried::left: break;
      case Tried::no_room: full = true; break;
    }
  }
  std::erase_if(left_alone_, [this](const auto& file) { return file.second.seen != scans_; });
  if (!full && all_tried) no_room_.clear();
  return !full && !all_tried;
}

Lanes::Tried Lanes::attach(const std::string& name, bool disabled) {
  // Looked at even when there is no room: what is no segment does not wait for any.
  if (!room() && parse_segment_name(name)) {
    say_full(max_producers_ <= mappable_
                 ? std::to_string(max_producers_) + " segments are attached: the others wait: raise limits.max_producers"
                 : std::to_string(mappable_) + " segments are attached: the others wait: raise vm.max_map_count");
    return Tried::no_room;
  }
  auto segment = SegmentReader::attach(fd_, name.c_str(), descriptors_);
  if (segment) {
    segment->set_disabled(disabled);
    ARBITER_TESTPOINT("attach.switched");
    log::info("ingest", "attached {} of {} (pid {})", name, segment->process(), segment->header().pid);
    sources_.emplace_back(std::move(*segment));
    attached_.insert(name);
    left_alone_.erase(name);
    return Tried::attached;
  }
  const AttachError& why = segment.error();
  if (why.kind == AttachError::Kind::gone) return Tried::left;
  const bool system = why.kind == AttachError::Kind::system;
  if (system && (why.error.code == EMFILE || why.error.code == ENFILE || why.error.code == ENOMEM)) {
    say_full(std::to_string(sources_.size()) + " segments are attached, and there is nothing left for more (" +
             std::strerror(why.error.code) + "): the others wait: raise the limit of open files (LimitNOFILE)");
    return Tried::no_room;
  }
  const auto [file, fresh] = left_alone_.try_emplace(name);
  file->second = {scans_, system};
  if (!fresh) return Tried::left;
  ++refused_files_;
  if (system)
    log::warning("ingest", "{}: left alone until that changes", why.error.message);
  else
    log::warning("ingest", "{}: left alone", why.error.message);
  return Tried::left;
}

void Lanes::say_full(const std::string& of_what) {
  if (no_room_.empty()) log::warning("ingest", "{}", of_what);
  no_room_ = of_what;
}

void Lanes::set_disabled(bool disabled) {
  const std::string path = enabled_file(ring_dir_), temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd >= 0) {
    const bool written = write(fd, disabled ? "0\n" : "1\n", 2) == 2 && fchmod(fd, 0644) == 0;
    close(fd);
    ARBITER_TESTPOINT("switch.written");
    if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) log::error("ingest", "{}: {}", path, std::strerror(errno));
  } else {
    log::error("ingest", "{}: {}", temporary, std::strerror(errno));
  }
  ARBITER_TESTPOINT("switch.renamed");
  for (Source& source : sources_) source.segment.set_disabled(disabled);
}

std::vector<Lane*> Lanes::newly_used(Source& source) {
  const std::size_t before = source.lanes.size();
  while (source.lanes.size() < source.segment.lane_count()) {
    const auto index = static_cast<std::uint32_t>(source.lanes.size());
    const LaneReader reader = source.segment.lane(index);
    if (reader.backed_records() == 0) break;
    source.lanes.push_back({{source.segment.id(), index}, reader, {}});
  }
  std::vector<Lane*> fresh;
  for (std::size_t i = before; i < source.lanes.size(); ++i) fresh.push_back(&source.lanes[i]);
  return fresh;
}

void Lanes::look_for_ended(std::size_t turns) {
  if (!no_room_.empty()) turns = 1;  // others wait for the room of those that have gone
  const std::size_t at_once = std::max(kFew, (sources_.size() + turns - 1) / turns);
  if (at_once >= sources_.size() || looked_at_ >= sources_.size()) looked_at_ = 0;
  const std::size_t count = std::min(at_once, sources_.size() - looked_at_);
  auto source = std::next(sources_.begin(), static_cast<std::ptrdiff_t>(looked_at_));
  for (std::size_t i = 0; i < count; ++i, ++source) {
    source->stays = false;
    if (!source->ended && !source->segment.owner_alive()) source->ended = true;
  }
  looked_at_ += count;
}

bool Lanes::remove(std::list<Source>::iterator source) {
  const std::string name = source->segment.name();
  if (source->quarantined) {
    if (!set_aside(*source)) {
      log::error("ingest", "setting {} aside: {}: tried again", name, std::strerror(errno));
      source->stays = true;
      return false;
    }
    ARBITER_TESTPOINT("quarantine.renamed");
    trim_quarantined();
  } else if (auto gone = source->segment.unlink(); !gone) {
    log::error("ingest", "{}: tried again", gone.error().message);
    source->stays = true;
    return false;
  }
  attached_.erase(name);
  sources_.erase(source);
  return true;
}

// Anybody may have made something of that name: then the next is taken, and nothing is ever replaced.
bool Lanes::set_aside(const Source& source) const {
  const std::string aside = std::string(kQuarantinedPrefix) + hex(source.segment.id());
  for (unsigned attempt = 0; attempt < kNamesTried; ++attempt) {
    std::string to = aside;
    if (attempt != 0) to += "." + std::to_string(attempt);
    if (renameat2(fd_, source.segment.name().c_str(), fd_, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == ENOENT) return true;  // its owner has removed it
    if (errno != EEXIST) return false;
  }
  return false;
}

// They are there for people to look at, and in memory.
void Lanes::trim_quarantined() const {
  const Listing listing = list(fd_);
  if (!listing) return;
  std::vector<std::pair<std::int64_t, std::string>> files;  // by when they were set aside
  while (const dirent* entry = readdir(listing.get())) {
    struct stat status {};
    if (!std::string_view(entry->d_name).starts_with(kQuarantinedPrefix)) continue;
    if (fstatat(fd_, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(status.st_mode)) continue;
    files.emplace_back(std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec, entry->d_name);
  }
  if (files.size() <= kQuarantinedKept) return;
  std::sort(files.begin(), files.end());
  files.resize(files.size() - kQuarantinedKept);
  for (const auto& [when, name] : files) unlinkat(fd_, name.c_str(), 0);
}

bool Lanes::has_file(const SegmentId& id) const { return faccessat(fd_, segment_name(id).c_str(), F_OK, 0) == 0; }

}  // namespace arbiter::ingest
