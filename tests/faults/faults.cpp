#include "tests/faults/faults.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace arbiter::test {
namespace {

bool write_whole(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return written;
}

// Users stay who they are in the new namespace: programs started in it are no more of a root than before.
bool own_user_namespace() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  const auto itself = [](unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  return write_whole("/proc/self/setgroups", "deny") && write_whole("/proc/self/uid_map", itself(user)) &&
         write_whole("/proc/self/gid_map", itself(group));
}

bool make_private() {
  const bool own = ::geteuid() == 0 ? ::unshare(CLONE_NEWNS) == 0 : own_user_namespace();
  return own && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

std::string size_option(std::uint64_t bytes) { return "size=" + std::to_string(bytes); }

}  // namespace

bool private_mounts(std::string_view test) {
  static const bool made = make_private();
  if (!made) not_run(test, "mounts take root, or user namespaces");
  return made;
}

SmallDisk::SmallDisk(fs::path at, std::uint64_t bytes) : at_(std::move(at)) {
  fs::create_directories(at_);
  REQUIRE(::mount("tmpfs", at_.c_str(), "tmpfs", 0, (size_option(bytes) + ",mode=0700").c_str()) == 0);
}

SmallDisk::~SmallDisk() { ::umount2(at_.c_str(), MNT_DETACH); }

void SmallDisk::resize(std::uint64_t bytes) {
  REQUIRE(::mount("tmpfs", at_.c_str(), "tmpfs", MS_REMOUNT, size_option(bytes).c_str()) == 0);
}

ReadOnly::ReadOnly(fs::path at) : at_(std::move(at)) {
  REQUIRE(::mount(at_.c_str(), at_.c_str(), nullptr, MS_BIND, nullptr) == 0);
  // What the mount below is locked to in a user namespace is kept: nosuid, nodev and the like.
  for (const unsigned long locked : {0ul, MS_NOSUID | MS_NODEV | 0ul, MS_NOSUID | MS_NODEV | MS_NOEXEC | 0ul})
    if (::mount(nullptr, at_.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | locked, nullptr) == 0) return;
  ::umount2(at_.c_str(), MNT_DETACH);
  FAIL("remounting " << at_ << ": " << std::strerror(errno));
}

ReadOnly::~ReadOnly() { ::umount2(at_.c_str(), MNT_DETACH); }

Limit::Limit(pid_t pid, __rlimit_resource resource, rlim_t soft) : pid_(pid), resource_(resource) {
  REQUIRE(::prlimit(pid_, resource_, nullptr, &before_) == 0);
  const rlimit lowered{soft, before_.rlim_max};
  REQUIRE(::prlimit(pid_, resource_, &lowered, nullptr) == 0);
}

void Limit::lift() {
  if (!lifted_) ::prlimit(pid_, resource_, &before_, nullptr);
  lifted_ = true;
}

Limit::~Limit() { lift(); }

FaultCalls::FaultCalls(const Place& place) : file_(place.root() / "fault-calls") {
  const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(::ftruncate(fd, sizeof(FaultWords)) == 0);
  void* const at = ::mmap(nullptr, sizeof(FaultWords), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  REQUIRE(at != MAP_FAILED);
  calls_ = static_cast<FaultWords*>(at);
}

FaultCalls::~FaultCalls() { ::munmap(calls_, sizeof(FaultWords)); }

// A sanitizer's library wants to be the first one: it may stay the second.
std::string FaultCalls::limits() const {
  return "export " + std::string(kFaultCallsFile) + "='" + file_.string() +
         "' LD_PRELOAD='" ARBITER_FAULT_CALLS "' ASAN_OPTIONS=\"$ASAN_OPTIONS:verify_asan_link_order=0\"";
}

std::uint64_t in_status(Collector& collector, std::initializer_list<std::string_view> path) {
  json::value at = collector.ask({"status"});
  for (const std::string_view key : path) at = json::value(at.as_object().at(key));
  return at.to_number<std::uint64_t>();
}

std::string health(Collector& collector) { return std::string(collector.ask({"status"}).as_object().at("health").as_string()); }
std::string explanation(Collector& collector) { return std::string(collector.ask({"status"}).as_object().at("explanation").as_string()); }

std::size_t lines_with(const Collector& collector, std::string_view text) {
  std::size_t lines = 0;
  std::istringstream log(collector.log());
  for (std::string line; std::getline(log, line);) lines += line.find(text) != std::string::npos ? 1u : 0u;
  return lines;
}

}  // namespace arbiter::test
