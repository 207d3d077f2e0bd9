// One record call: from the thread's lane to the result.
//
//   is this a handler that interrupted a record? -> switched off? -> attempt -> is there room? -> write -> does it break a rule? -> publish
//
// An event is written before it is known to be good: copying looks at every byte anyway, and until it is published nobody sees it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "arbiter/producer.hpp"
#include "producer/encode.hpp"
#include "producer/outlet.hpp"
#include "producer/thread.hpp"
#include "shm/abi.hpp"
#include "shm/event.hpp"
#include "shm/lane_writer.hpp"
#include "shm/testpoint.hpp"

namespace arbiter::producer {

// The library's own way to what the public classes keep to themselves.
struct Internal {
  static constexpr std::uint32_t byte(std::uint32_t value, unsigned index) noexcept { return value << 8 * index; }
  static RecordResult result(Status status, std::uint32_t more = 0) noexcept {
    RecordResult r;
    r.code_ = static_cast<std::uint32_t>(status) | more;
    return r;
  }
  static RecordResult dropped(abi::Drop why) noexcept { return result(Status::dropped, byte(static_cast<std::uint32_t>(why), 1)); }
  static RecordResult refused(std::uint16_t kind, const event::Fault& fault) noexcept {
    return result(Status::refused, byte(static_cast<std::uint32_t>(fault.rule), 1) | byte(fault.field, 2) | byte(kind, 3));
  }
  static RecordResultWithId with_id(RecordResult result) noexcept {
    RecordResultWithId r;
    static_cast<RecordResult&>(r) = result;
    return r;
  }
  static void make_id(Id& id, Thread& thread) noexcept { id.size_ = static_cast<std::uint8_t>(thread.make_id(id.text_.data())); }
  static Id& id(RecordResultWithId& result) noexcept { return result.id_; }
  static Outlet& outlet(const Producer& producer) noexcept { return *producer.outlet_; }
  static std::chrono::nanoseconds wait_up_to(const Producer& producer) noexcept { return producer.wait_up_to_; }
  static Kind kind(RecordResult refused) noexcept { return static_cast<Kind>(refused.code_ >> 24); }
  template <class To>
  [[gnu::always_inline]] static void pack_start(const Run& run, To& to) noexcept {
    run.pack_start(to);
  }
  [[gnu::always_inline]] static RecordResult record(const Run& run, const packed::Event& completion) noexcept {
    return producer::record(*run.outlet_, run.wait_up_to_, completion);
  }
};

// What is rarely needed, and the same for all kinds. Out of line, and given values only, so that a Call stays in registers.
namespace rarely {
RecordResult interrupting(Outlet& outlet) noexcept;
RecordResult switched_off(Outlet& outlet, Thread& thread, Lane* lane) noexcept;
// What cannot be had room for is still refused if a number or an empty field says so; its strings are not looked at.
RecordResult without_lane(Outlet& outlet, const packed::Event& event) noexcept;
RecordResult refuse(Lane& lane, std::uint16_t kind, const event::Fault& fault) noexcept;
// Waits for room if it may; counts a drop and gives nullptr if there is none. `stamp`: of the call, if there was room.
std::byte* when_full(Outlet& outlet, Thread& thread, Lane& lane, std::uint32_t records, std::chrono::nanoseconds wait_up_to,
                     std::uint64_t& stamp) noexcept;
}  // namespace rarely

// Holds the thread's lane for the length of a record call.
class Call {
 public:
  [[gnu::always_inline]] explicit Call(Outlet& outlet) noexcept : outlet_(outlet), thread_(this_thread) {
    if (thread_.busy.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      interrupting_ = true;
      return;
    }
    thread_.busy.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    lane_ = mine(thread_, outlet) ? thread_.lane : outlet.lane_of(thread_);
  }
  [[gnu::always_inline]] ~Call() {
    if (interrupting_) [[unlikely]]
      return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.busy.store(0, std::memory_order_relaxed);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Is the thread's cached lane for this outlet, and of this process?
  [[gnu::always_inline]] static bool mine(const Thread& thread, const Outlet& outlet) noexcept {
    return thread.outlet == &outlet && thread.generation == process_page->generation.load(std::memory_order_relaxed);
  }

  // Nothing is to be recorded; closed_result() says why, and counts it.
  [[gnu::always_inline]] bool closed() const noexcept {
    if (lane_ != nullptr) [[likely]]
      return lane_->disabled();
    return interrupting_ || outlet_.off();
  }
  RecordResult closed_result() const noexcept {
    return interrupting_ ? rarely::interrupting(outlet_) : rarely::switched_off(outlet_, thread_, lane_);
  }

  Outlet& outlet() const noexcept { return outlet_; }
  Thread& thread() const noexcept { return thread_; }
  Lane* lane() const noexcept { return lane_; }

  // Records the event, if not closed(). `stamp`: the moment of the call, unless the event was refused or dropped.
  [[gnu::always_inline]] RecordResult record(const packed::Event& event, std::chrono::nanoseconds wait_up_to,
                                             std::uint64_t& stamp) noexcept {
    if (lane_ == nullptr) [[unlikely]]
      return rarely::without_lane(outlet_, event);
    Lane& lane = *lane_;
    const std::size_t bytes = encode::measure(event);
    const std::uint64_t sequence = lane.writer.attempt();
    if (bytes > abi::kEventBytesMax) [[unlikely]]
      return rarely::refuse(lane, event.kind, encode::check(event, bytes));
    const std::uint32_t records = records_for(bytes);
    std::byte* at = lane.writer.reserve(records);
    if (at != nullptr) [[likely]] {
      stamp = lane.stamp();
    } else {
      if (event.doubt)
        if (const event::Fault fault = encode::check(event, bytes)) return rarely::refuse(lane, event.kind, fault);
      at = rarely::when_full(outlet_, thread_, lane, records, wait_up_to, stamp);
      if (at == nullptr) return Internal::dropped(abi::Drop::lane_full);
    }
    const bool too_early = ARBITER_WRONG("publish_before_filling") && !encode::check(event, bytes);
    if (too_early) lane.writer.publish(records);
    ARBITER_TESTPOINT("record.reserved");
    if (!encode::write(event, bytes, {stamp, sequence}, at)) [[unlikely]]
      if (const event::Fault fault = encode::check(event, bytes)) return rarely::refuse(lane, event.kind, fault);
    if (!too_early) lane.writer.publish(records);
    return Internal::result(Status::recorded);
  }

 private:
  Outlet& outlet_;
  Thread& thread_;
  Lane* lane_ = nullptr;
  bool interrupting_ = false;  // this thread was recording already: the lane is not ours to touch
};

}  // namespace arbiter::producer
