// Segment files: made and held by a producer process (SegmentWriter), found and read by the collector (SegmentReader).
//
// Life of a segment:
//   unnamed    O_TMPFILE: nobody sees it; it goes with the process
//   live       linked, complete, locked: the producer's mapping holds the lock (an OFD lock lives as long as the open file description,
//   which the
//              mapping keeps after the descriptor is closed)
//   ended      the lock is free: the process has exited, been killed, or let go (EndedSegment); nobody writes any more
//   unlinked   the collector has drained it and has the final account in its journal
//
// One gap is left: a thread that forks between the opening of the file and the end of create() hands the child the description, and the
// segment seems live until the child execs or exits. Nothing is lost by it: live segments are drained like ended ones.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "shm/abi.hpp"
#include "shm/clock.hpp"
#include "shm/lane_reader.hpp"
#include "shm/lane_writer.hpp"
#include "shm/result.hpp"
#include "shm/sigbus_guard.hpp"

namespace arbiter {

using SegmentId = std::array<std::uint8_t, 16>;

// "lanes-<32 hex digits>", and back.
std::string segment_name(const SegmentId& id);
std::optional<SegmentId> parse_segment_name(std::string_view name);
std::string hex(const SegmentId& id);

// The file beside a lanes directory that says what a new segment's switch starts with: "<ring_dir>.enabled".
std::string enabled_file(std::string_view ring_dir);
// "0\n" means disabled; anything else, and no file, means enabled.
bool recording_disabled(std::string_view ring_dir);
bool says_disabled(const char* enabled_file) noexcept;  // the same of that file

// A mapping, of a whole file mostly, that is undone with it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(std::byte* begin, std::size_t bytes) : begin_(begin), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept : begin_(std::exchange(other.begin_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(begin_, other.begin_), std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  std::byte* begin() const { return begin_; }
  std::size_t bytes() const { return bytes_; }
  void forget() noexcept { begin_ = nullptr, bytes_ = 0; }  // without unmapping
  template <class T>
  T& at(std::size_t offset) const {
    return *reinterpret_cast<T*>(begin_ + offset);
  }

 private:
  std::byte* begin_ = nullptr;
  std::size_t bytes_ = 0;
};

class SegmentWriter {
 public:
  // What failed: "<ring_dir>: <doing>: <text of the errno value>".
  struct Failure {
    const char* doing = "";
    int code = 0;
  };
  // Makes a segment in `ring_dir` and links it when it is complete. Makes system calls; never blocks on anybody. Allocates nothing from the
  // heap and takes no lock: it may run in a signal handler that interrupted malloc, and in a child of a raw clone, where malloc's locks may
  // be held by threads that are not there. `disabled`: the switch's first value.
  static std::optional<SegmentWriter> create(const char* ring_dir, bool disabled, abi::ClockSource clock, Failure& failure) noexcept;
  // The same for everybody else.
  static Result<SegmentWriter> create(const std::string& ring_dir, bool disabled, abi::ClockSource clock = best_clock());

  // The segment has ended once this is gone; lanes of it may not be used any more.
  ~SegmentWriter() = default;
  SegmentWriter(SegmentWriter&& other) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) = delete;

  // In a forked child, where the mapping is not (MADV_DONTFORK): forgets it. Unmapping could hit what the child has mapped there since.
  void abandon() noexcept { map_.forget(), path_.forget(); }

  enum class Claim : std::uint8_t {
    claimed,
    all_taken,  // make another segment
    no_memory,  // the file system is full
  };
  struct Claimed {
    Claim outcome;
    std::uint32_t lane = 0;
    LaneWriter writer;  // a lane if outcome is claimed
  };
  // A lane for the calling thread, its first kLaneBackedBytesMin backed; one that another thread has released goes on where it stopped.
  // Any thread. A few microseconds: it makes system calls.
  Claimed claim() noexcept;
  // Gives the lane back; its writer may not be used any more. Any thread.
  void release(std::uint32_t lane) noexcept;

  // The collector's switch. One relaxed load of a line that is written once in a blue moon; the address stays valid as long as the segment.
  bool disabled() const noexcept { return switch_word().load(std::memory_order_relaxed) != 0; }
  const std::atomic<std::uint32_t>& switch_word() const noexcept { return map_.at<abi::SwitchLine>(abi::kSwitchOffset).disabled; }

  // What the threads that have or had its lanes have counted, all lanes together. Any thread.
  LaneReader::Account account() const noexcept;

  // How far a lane is published, and how far the collector says it has read it: a word that it may set to anything. Any thread; what was
  // recorded before in another thread that has since been heard from is covered.
  abi::Position published(std::uint32_t lane) const noexcept;
  abi::Position acknowledged_untrusted(std::uint32_t lane) const noexcept;

  // Is the file still what `path()` names? One stat: the caller limits how often.
  bool still_linked() const noexcept;

  const SegmentId& id() const { return id_; }
  std::string path() const { return path_name(); }
  abi::ClockSource clock() const { return clock_; }

 private:
  friend class EndedSegment;
  SegmentWriter(Mapping map, const SegmentId& id, Mapping path, abi::ClockSource clock, dev_t device, ino_t inode) noexcept
      : map_(std::move(map)), id_(id), path_(std::move(path)), clock_(clock), device_(device), inode_(inode) {}
  const char* path_name() const { return reinterpret_cast<const char*>(path_.begin()); }
  abi::LaneControl& control(std::uint32_t lane) const {
    return map_.at<abi::LaneControl>(abi::kControlOffset + lane * sizeof(abi::LaneControl));
  }
  std::byte* area(std::uint32_t lane) const { return map_.begin() + abi::kDataOffset + lane * abi::kLaneBytes; }

  Mapping map_;
  SegmentId id_{};
  Mapping path_;  // pages that hold the name, ended by a NUL
  abi::ClockSource clock_{};
  dev_t device_ = 0;
  ino_t inode_ = 0;
  // Bit i: a thread holds lane i. release() stores release, claim() acquires: the next thread sees the positions the last one left.
  std::atomic<std::uint32_t> taken_{0};
};

// What a process keeps of a segment that it let go of before the collector had read all of it: enough to see what becomes of that, and no
// descriptor or mapping of it.
class EndedSegment {
 public:
  // Ends the segment, as the end of the process would: its lock is free from here on. All of its lanes have been released. Makes system
  // calls, allocates nothing. `ring_dir` outlives this.
  EndedSegment(SegmentWriter&& segment, const char* ring_dir) noexcept;

  enum class Fate : std::uint8_t {
    waiting,  // not all of it is acknowledged, as far as can be seen
    taken,    // it is; or the file is gone, which the collector removes once it has it all
    lost,     // the file is gone, and its directory is not the one that it was in
  };
  // A few system calls; allocates nothing.
  Fate fate() noexcept;

  const SegmentId& id() const { return segment_.id(); }

 private:
  bool acknowledged(int fd) noexcept;
  bool same_directory() const noexcept;

  SegmentWriter segment_;  // without its mapping
  const char* ring_dir_;
  dev_t directory_device_ = 0;
  ino_t directory_inode_ = 0;
  std::array<abi::Position, abi::kLanesPerSegment> published_;
  std::uint32_t lanes_taken_ = 0;  // lanes below are acknowledged
};

// Why a file of the lanes directory was not attached.
struct AttachError {
  enum class Kind : std::uint8_t {
    gone,         // it was unlinked meanwhile
    foreign,      // not a segment of ours: ignore it
    unsupported,  // a newer ABI, another byte order, an unknown incompatible feature: leave it alone, and say so
    broken,       // says it is a segment and cannot be one: leave it alone, and say so
    system,       // the system said no (too many files, no memory, no permission): try again later
  };
  Kind kind;
  Error error;  // "lanes-…: what is wrong"
};
[[noreturn]] inline void throw_exception_from_error(const AttachError& e, const boost::source_location&) {
  throw std::runtime_error(e.error.message);
}

class SegmentReader {
 public:
  // Opens and checks `name` in the directory, which stays open as long as the reader lives. Writes nothing but the lanes' epochs. A
  // descriptor of `descriptors` or above counts as none left (system, EMFILE): the caller keeps those for other things.
  static boost::system::result<SegmentReader, AttachError> attach(int directory_fd, const char* name, int descriptors = INT_MAX);

  SegmentReader(SegmentReader&& other) noexcept;
  SegmentReader& operator=(SegmentReader&&) = delete;
  ~SegmentReader();

  const abi::SegmentHeader& header() const { return header_; }  // the copy that was checked
  const SegmentId& id() const { return header_.segment_id; }
  const std::string& name() const { return name_; }
  std::string process() const;  // the producer's name, printable characters only
  uid_t owner_uid() const { return owner_; }

  std::uint32_t lane_count() const { return header_.lane_count; }
  LaneReader lane(std::uint32_t index) const;  // index < lane_count()

  // Does the producer still hold its lock? One system call. False once means false for ever. Ask before reading the write position
  // that is to be the last: nothing is written after the lock is free.
  bool owner_alive() const;
  // A page of it was missing and read as zeros: somebody truncated the file. Believe nothing more from it.
  bool poisoned() const { return guard_.poisoned(); }

  bool disabled() const;
  void set_disabled(bool disabled);

  // Removes the name, if it is still this file's.
  Result<void> unlink();

 private:
  SegmentReader(int directory_fd, int fd, std::string name, const abi::SegmentHeader& header, uid_t owner, ino_t inode, Mapping map);

  int directory_fd_;
  int fd_;
  std::string name_;
  abi::SegmentHeader header_;
  uid_t owner_;
  ino_t inode_;
  Mapping map_;
  GuardedRange guard_;  // after map_: goes before it
};

}  // namespace arbiter
