#include "arbiter/producer.hpp"

#include "producer/call.hpp"
#include "producer/outlet.hpp"
#include "producer/process.hpp"
#include "shm/event.hpp"
#include "shm/schema.hpp"

namespace arbiter {

using producer::Outlet;

Producer::Producer(const ProducerOptions& options) noexcept : wait_up_to_(options.wait_up_to) {
  producer::make_process_page();
  outlet_ = Outlet::find_or_make(options);
}

bool Producer::attach_thread() noexcept { return producer::Call(*outlet_).lane() != nullptr; }

void Producer::detach_thread() noexcept { outlet_->detach(producer::this_thread); }

bool Producer::flush(std::chrono::nanoseconds timeout) noexcept { return outlet_->flush(timeout); }

Account Producer::account() const { return outlet_->account(); }

std::string Producer::problem() const { return outlet_->problem(); }

std::string_view RecordResult::field() const noexcept {
  const std::uint8_t field = code_ >> 16 & 0xff;
  if (status() != Status::refused || field == event::kNoField) return {};
  return schema::info(static_cast<Kind>(code_ >> 24)).fields[field].path;
}

std::string_view RecordResult::rule() const noexcept {
  const std::uint8_t rule = code_ >> 8 & 0xff;
  if (status() == Status::refused) return event::refusal_text(static_cast<abi::Refusal>(rule));
  if (status() != Status::dropped) return {};
  switch (static_cast<abi::Drop>(rule)) {
    case abi::Drop::lane_full: return "the lane is full";
    case abi::Drop::reentrant: return "recorded in a signal handler that interrupted a record";
    case abi::Drop::no_lane: return "no lane could be had";
  }
  return {};
}

}  // namespace arbiter
