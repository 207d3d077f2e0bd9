// Producers, in C: making them, and asking about them.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <string>

#include "producer/c_record.hpp"

using namespace arbiter;

extern "C" {

uint32_t arbiter_abi_version(void) { return ARBITER_ABI_VERSION; }

const char* arbiter_version(void) { return ARBITER_VERSION; }

arbiter_producer* arbiter_producer_create(const arbiter_producer_options* given) {
  const arbiter_producer_options defaults{sizeof defaults, {}, {}, 0};
  arbiter_producer_options copy;
  const arbiter_producer_options* const options = c::sized(given != nullptr ? given : &defaults, copy);
  if (options == nullptr) return nullptr;
  auto* const made =
      new (std::nothrow) arbiter_producer{Producer(ProducerOptions{.ring_dir = c::value(options->ring_dir),
                                                                   .instance = c::value(options->instance),
                                                                   .wait_up_to = std::chrono::nanoseconds(options->wait_up_to_ns)})};
  if (made == nullptr) c::wrong(c::kNoMemory);
  return made;
}

void arbiter_producer_destroy(arbiter_producer* handle) { delete handle; }

int arbiter_attach_thread(arbiter_producer* handle) {
  if (handle == nullptr) return c::wrong(c::kNullProducer), 0;
  return handle->producer.attach_thread() ? 1 : 0;
}

void arbiter_detach_thread(arbiter_producer* handle) {
  if (handle != nullptr) handle->producer.detach_thread();
}

int arbiter_flush(arbiter_producer* handle, int64_t timeout_ns) {
  if (handle == nullptr) return c::wrong(c::kNullProducer), 0;
  return handle->producer.flush(std::chrono::nanoseconds(timeout_ns)) ? 1 : 0;
}

arbiter_status arbiter_producer_account(arbiter_producer* handle, arbiter_account* account) {
  if (handle == nullptr) return c::wrong(c::kNullProducer);
  if (account == nullptr || !c::plausible_size(account->struct_size)) return c::wrong(c::kBadSize);
  const Account of = handle->producer.account();
  const arbiter_account all{account->struct_size, of.attempted, of.recorded, of.lane_full, of.no_lane, of.reentrant, of.refused};
  std::memcpy(account, &all, std::min(sizeof all, account->struct_size));
  return ARBITER_RECORDED;
}

size_t arbiter_producer_problem(arbiter_producer* handle, char* buffer, size_t buffer_size) {
  std::string problem;
  try {
    problem = handle == nullptr ? "producer is null" : handle->producer.problem();
  } catch (const std::bad_alloc&) {
    problem = "no memory";  // short enough to need none
  }
  if (buffer != nullptr && buffer_size != 0) {
    const size_t taken = std::min(problem.size(), buffer_size - 1);
    std::memcpy(buffer, problem.data(), taken);
    buffer[taken] = '\0';
  }
  return problem.size();
}

}  // extern "C"
