// A producer that truncates its file under the collector's eyes.
#include <doctest/doctest.h>

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "lane_in_memory.hpp"
#include "own_directory.hpp"
#include "shm/segment.hpp"

using namespace arbiter;
using test::OwnDirectory;

namespace {

constexpr std::size_t kPage = 4096;

struct Mapped {
  int fd = memfd_create("guarded", MFD_CLOEXEC);
  std::byte* at;
  explicit Mapped(std::size_t pages) {
    REQUIRE(ftruncate(fd, static_cast<off_t>(pages * kPage)) == 0);
    at = static_cast<std::byte*>(mmap(nullptr, pages * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    bytes = pages * kPage;
    std::memset(at, 0x5a, bytes);
  }
  ~Mapped() {
    munmap(at, bytes);
    close(fd);
  }
  std::size_t bytes;
};

}  // namespace

TEST_CASE("pages behind the end of a truncated file read as zeros, and the range is poisoned, and no other is") {
  install_sigbus_guard();
  install_sigbus_guard();  // once is enough
  Mapped truncated(4), whole(4);
  const GuardedRange guard(truncated.at, truncated.bytes), other(whole.at, whole.bytes);
  CHECK_FALSE(guard.poisoned());
  REQUIRE(ftruncate(truncated.fd, kPage) == 0);
  CHECK(truncated.at[0] == std::byte{0x5a});
  CHECK_FALSE(guard.poisoned());
  std::vector<std::byte> copy(truncated.bytes);
  std::memcpy(copy.data(), truncated.at, truncated.bytes);
  CHECK(guard.poisoned());
  CHECK_FALSE(other.poisoned());
  CHECK(std::count(copy.begin(), copy.end(), std::byte{0}) == 3 * kPage);
  truncated.at[3 * kPage] = std::byte{1};  // a write survives as well
}

TEST_CASE("a place in the list is used again, unpoisoned") {
  install_sigbus_guard();
  for (int i = 0; i < 3; ++i) {
    Mapped mapped(1);
    const GuardedRange guard(mapped.at, mapped.bytes);
    CHECK_FALSE(guard.poisoned());
    REQUIRE(ftruncate(mapped.fd, 0) == 0);
    CHECK(*static_cast<volatile std::byte*>(mapped.at) == std::byte{0});
    CHECK(guard.poisoned());
  }
}

TEST_CASE("ranges come and go on threads while others fault") {
  install_sigbus_guard();
  std::vector<std::thread> threads;
  std::atomic<int> poisoned{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const int fd = memfd_create("guarded", MFD_CLOEXEC);
        if (ftruncate(fd, kPage) != 0) return;
        void* const at = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        {
          const GuardedRange guard(at, kPage);
          if (ftruncate(fd, 0) != 0) return;
          if (*static_cast<volatile char*>(at) == 0 && guard.poisoned()) ++poisoned;
        }
        munmap(at, kPage);
        close(fd);
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(poisoned == 200);
}

TEST_CASE("a segment truncated while it is read: the reader goes on, finds a fault, and the segment is poisoned") {
  install_sigbus_guard();
  const test::Sizes sizes{8, 400, 60};
  for (const off_t bytes : {0, 4096, 12288, 12288 + 8192}) {
    OwnDirectory dir;
    auto segment = SegmentWriter::create(dir.lanes(), false).value();
    SegmentWriter::Claimed got = segment.claim();
    for (int i = 0; i < 500; ++i) test::record(got.writer, sizes);
    const auto reader = SegmentReader::attach(dir.fd(), segment_name(segment.id()).c_str()).value();
    const auto untouched = SegmentWriter::create(dir.lanes(), false).value();
    const auto other = SegmentReader::attach(dir.fd(), segment_name(untouched.id()).c_str()).value();
    std::vector<std::byte> buffer(LaneReader::kBufferBytesMin);
    const LaneReader::Copied first = reader.lane(0).copy({}, buffer);
    CHECK(first.events > 0);
    REQUIRE(truncate(segment.path().c_str(), bytes) == 0);
    // From the start: what is left, then zeros. From a cursor: a write position of zero.
    const LaneReader::Copied again = reader.lane(0).copy({}, buffer);
    CHECK((again.fault != LaneReader::Fault::none || again.events == 0));
    if (bytes <= 4096) CHECK(reader.lane(0).copy(first.next, buffer).fault == LaneReader::Fault::bad_position);
    CHECK(reader.poisoned());
    CHECK_FALSE(other.poisoned());
    segment.abandon();  // its own mapping would fault too, and the writer has no guard
  }
}
