#include "tests/crash/kill_soak_ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace arbiter::soak {
namespace {

constexpr std::size_t kHeadBytes = 4096;
constexpr std::size_t kBytes = kHeadBytes + Ledger::kChunksMax * sizeof(Chunk);
static_assert(sizeof(LedgerHead) <= kHeadBytes);

}  // namespace

Ledger::Ledger(const std::filesystem::path& path, bool create) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
  if (fd_ < 0 || (create && ::ftruncate(fd_, kBytes) != 0)) throw std::system_error(errno, std::generic_category(), path.string());
  void* const at = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), path.string());
  head_ = static_cast<LedgerHead*>(at);
  chunks_ = reinterpret_cast<Chunk*>(static_cast<std::byte*>(at) + kHeadBytes);
}

Ledger::~Ledger() {
  ::munmap(head_, kBytes);
  ::close(fd_);
}

void Ledger::begin_epoch(std::uint32_t epoch) {
  const std::uint64_t seed = head_->seed;
  if (::ftruncate(fd_, 0) != 0 || ::ftruncate(fd_, kBytes) != 0) throw std::system_error(errno, std::generic_category(), "ledger");
  head_->seed = seed;
  head_->epoch.store(epoch, std::memory_order_release);
}

std::int64_t monotonic_now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace arbiter::soak
