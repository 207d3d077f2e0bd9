// The events of workload.hpp by the C interface, in the form that they have there.
#pragma once

#include "producer/c_record.hpp"
#include "tests/bench/workload.hpp"
#include "tests/bench/workload_c.h"

namespace arbiter::bench {

// A handle of C is a Producer, and nothing else.
inline arbiter_producer* in_c(Producer& producer) noexcept {
  static_assert(sizeof(arbiter_producer) == sizeof(Producer));
  return reinterpret_cast<arbiter_producer*>(&producer);
}

struct SmallInC {
  static constexpr std::string_view kName = Small::kName;
  Producer& producer;
  bool record(std::uint64_t i) const noexcept { return bench_c_small(in_c(producer), i) != 0; }
};
struct TypicalInC {
  static constexpr std::string_view kName = Typical::kName;
  Producer& producer;
  bool record(std::uint64_t i) const noexcept { return bench_c_typical(in_c(producer), i) != 0; }
};
struct KeptInC {
  static constexpr std::string_view kName = "typical, in a kept struct";
  Producer& producer;
  arbiter_task_execution kept{.struct_size = sizeof kept};
  bool record(std::uint64_t i) noexcept { return bench_c_kept(in_c(producer), &kept, i) != 0; }
};
struct RunInC {
  static constexpr std::string_view kName = Handle::kName;
  Producer& producer;
  arbiter_run run;
  std::uint64_t as_started = 0;
  // A run is completed once; this one is put back into the state that it was started in, which is its first word.
  explicit RunInC(Producer& p) noexcept : producer(p) {
    bench_c_start(in_c(p), &run);
    as_started = run.reserved[0];
  }
  bool record(std::uint64_t i) noexcept {
    run.reserved[0] = as_started;
    return bench_c_complete(&run, i) != 0;
  }
};
struct LargeInC {
  static constexpr std::string_view kName = Large::kName;
  Producer& producer;
  bool record(std::uint64_t i) const noexcept { return bench_c_large(in_c(producer), i) != 0; }
};

}  // namespace arbiter::bench
