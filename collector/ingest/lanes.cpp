#include "collector/ingest/lanes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "collector/log/log.hpp"

namespace arbiter::ingest {

Result<Lanes> Lanes::open(const std::string& ring_dir, bool shared, std::size_t max_producers) {
  std::error_code failed;
  const std::filesystem::path parent = std::filesystem::path(ring_dir).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, failed);
  if (mkdir(ring_dir.c_str(), 0700) == 0) {
    if (shared && chmod(ring_dir.c_str(), 03733) != 0) return system_error("mode of lanes directory " + ring_dir);
  } else if (errno != EEXIST) {
    return system_error("lanes directory " + ring_dir);
  }
  const int fd = ::open(ring_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return system_error("lanes directory " + ring_dir);
  Lanes lanes(ring_dir, fd, max_producers);
  // Segments are made, renamed and removed here: find out now, not when the first agent has come.
  if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) return system_error("lanes directory " + ring_dir + " cannot be written");
  return lanes;
}

Lanes::Lanes(Lanes&& other) noexcept
    : ring_dir_(std::move(other.ring_dir_)),
      fd_(std::exchange(other.fd_, -1)),
      max_producers_(other.max_producers_),
      sources_(std::move(other.sources_)),
      attached_(std::move(other.attached_)),
      ignored_(std::move(other.ignored_)) {}

Lanes::~Lanes() {
  sources_.clear();  // they unlink through the directory's descriptor
  if (fd_ >= 0) close(fd_);
}

void Lanes::scan(bool disabled) {
  const int copy = openat(fd_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(fdopendir(copy), closedir);
  if (!listing) {
    close(copy);
    return;
  }
  std::set<std::string, std::less<>> seen;
  while (const dirent* entry = readdir(listing.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name.starts_with("quarantined-")) continue;
    seen.insert(name);
    if (attached_.contains(name) || ignored_.contains(name)) continue;
    if (sources_.size() >= max_producers_) {
      if (!std::exchange(full_said_, true))
        log::warning("ingest", "more than {} segments: the others wait: raise limits.max_producers", max_producers_);
      break;
    }
    auto segment = SegmentReader::attach(fd_, name.c_str());
    if (segment) {
      segment->set_disabled(disabled);
      log::info("ingest", "attached {} of {} (pid {})", name, segment->process(), segment->header().pid);
      sources_.emplace_back(std::move(*segment));
      attached_.insert(name);
      continue;
    }
    const AttachError& why = segment.error();
    switch (why.kind) {
      case AttachError::Kind::gone: break;
      case AttachError::Kind::system: log::warning("ingest", "{}: tried again later", why.error.message); break;
      case AttachError::Kind::foreign:
      case AttachError::Kind::unsupported:
      case AttachError::Kind::broken:
        log::warning("ingest", "{}: left alone", why.error.message);
        ignored_.insert(name);
        ++refused_files_;
        break;
    }
  }
  std::erase_if(ignored_, [&](const std::string& name) { return !seen.contains(name); });
}

void Lanes::set_disabled(bool disabled) {
  const std::string path = enabled_file(ring_dir_), temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd >= 0) {
    const bool written = write(fd, disabled ? "0\n" : "1\n", 2) == 2 && fchmod(fd, 0644) == 0;
    close(fd);
    if (!written || std::rename(temporary.c_str(), path.c_str()) != 0) log::error("ingest", "{}: {}", path, std::strerror(errno));
  } else {
    log::error("ingest", "{}: {}", temporary, std::strerror(errno));
  }
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

void Lanes::look_for_ended() {
  for (Source& source : sources_)
    if (!source.ended && !source.segment.owner_alive()) source.ended = true;
}

void Lanes::remove(std::list<Source>::iterator source) {
  const std::string name = source->segment.name();
  if (source->quarantined) {
    const std::string aside = "quarantined-" + hex(source->segment.id());
    if (renameat(fd_, name.c_str(), fd_, aside.c_str()) != 0) log::error("ingest", "setting {} aside: {}", name, std::strerror(errno));
  } else if (auto gone = source->segment.unlink(); !gone) {
    log::error("ingest", "{}", gone.error().message);
  }
  attached_.erase(name);
  sources_.erase(source);
  full_said_ = false;
}

bool Lanes::has_file(const SegmentId& id) const { return faccessat(fd_, segment_name(id).c_str(), F_OK, 0) == 0; }

}  // namespace arbiter::ingest
