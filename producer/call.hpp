// One record call: from the thread's lane to the result.
//
//   is this a handler that interrupted a record? -> switched off? -> attempt -> does it break a rule? -> is there room? -> write -> publish
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

namespace arbiter::producer {

// The library's own way to what the public classes keep to themselves.
struct Internal {
  static RecordResult result(Status status) noexcept {
    RecordResult r;
    r.status_ = status;
    return r;
  }
  static RecordResult dropped(abi::Drop why) noexcept {
    RecordResult r = result(Status::dropped);
    r.reason_ = static_cast<std::uint8_t>(why);
    return r;
  }
  static RecordResult refused(Kind kind, const event::Fault& fault) noexcept {
    RecordResult r = result(Status::refused);
    r.reason_ = static_cast<std::uint8_t>(fault.rule);
    r.field_ = fault.field;
    r.kind_ = static_cast<std::uint16_t>(kind);
    return r;
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
};

// Holds the thread's lane for the length of a record call.
class Call {
 public:
  [[gnu::always_inline]] explicit Call(Outlet& outlet) noexcept : outlet_(outlet), thread_(this_thread) {
    if (thread_.busy.load(std::memory_order_relaxed) != 0) [[unlikely]] {
      interrupting();
      return;
    }
    thread_.busy.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (mine()) [[likely]]
      lane_ = thread_.lane;
    else
      lane_ = outlet.lane_of(thread_);
  }
  [[gnu::always_inline]] ~Call() {
    if (interrupted_) [[unlikely]]
      return;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    thread_.busy.store(0, std::memory_order_relaxed);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Nothing is to be recorded; closed_result() says why.
  [[gnu::always_inline]] bool closed() noexcept {
    if (lane_ != nullptr) [[likely]]
      return lane_->disabled();
    return interrupted_ || outlet_.off();
  }
  [[gnu::noinline, gnu::cold]] RecordResult closed_result() noexcept {
    if (interrupted_) return interrupted_result_;
    // A collector that switched recording off, and whose directory has been wiped since, will never switch it on again.
    if (lane_ != nullptr && (++lane_->disabled_calls & 0xfff) == 0 && lane_->unlinked()) outlet_.replace(thread_, *lane_);
    return Internal::result(Status::disabled);
  }

  Thread& thread() noexcept { return thread_; }
  Lane* lane() noexcept { return lane_; }

  // Records the event, if not closed(). `stamp`: the moment of the call.
  template <class E>
  [[gnu::always_inline]] RecordResult record(const E& event, std::chrono::nanoseconds wait_up_to, std::uint64_t& stamp) noexcept {
    const encode::Measure measured = encode::measure(event);
    Lane* const lane = lane_;
    if (lane == nullptr) [[unlikely]] {
      stamp = ticks(process_clock());
      return without_lane(describe::of<E>::kind, encode::check(event, measured));
    }
    stamp = lane->stamp();
    const std::uint64_t sequence = lane->writer.attempt();
    if (measured.bytes > abi::kEventBytesMax) [[unlikely]]
      return refuse(describe::of<E>::kind, encode::check(event, measured));
    const std::uint32_t records = records_for(measured.bytes);
    std::byte* at = lane->writer.reserve(records);
    if (at == nullptr) [[unlikely]] {
      if (const event::Fault fault = encode::check(event, measured)) return refuse(describe::of<E>::kind, fault);
      at = when_full(records, wait_up_to);
      if (at == nullptr) return Internal::dropped(abi::Drop::lane_full);
    }
    if (!encode::write(event, measured, {stamp, sequence}, at)) [[unlikely]]
      if (const event::Fault fault = encode::check(event, measured)) return refuse(describe::of<E>::kind, fault);
    lane->writer.publish(records);
    return Internal::result(Status::recorded);
  }

  // The parts that are rarely needed, and the same for all kinds.
  RecordResult without_lane(Kind kind, const event::Fault& fault) noexcept;
  RecordResult refuse(Kind kind, const event::Fault& fault) noexcept;
  std::byte* when_full(std::uint32_t records, std::chrono::nanoseconds wait_up_to) noexcept;

 private:
  bool mine() const noexcept {
    return thread_.outlet == &outlet_ && thread_.generation == process_page->generation.load(std::memory_order_relaxed);
  }
  void interrupting() noexcept;

  Outlet& outlet_;
  Thread& thread_;
  Lane* lane_ = nullptr;
  bool interrupted_ = false;         // this thread was recording already: the lane is not ours to touch
  RecordResult interrupted_result_;  // then: disabled or dropped
};

}  // namespace arbiter::producer
