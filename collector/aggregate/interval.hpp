// How sure a rate is.
#pragma once

#include <cstdint>
#include <utility>

namespace arbiter::aggregate {

// 95 % interval of a proportion (E. B. Wilson, JASA 22, 1927), right also for few samples and for rates near 0 and 1. Of no trials: 0 to 1.
std::pair<double, double> wilson_interval(std::uint64_t successes, std::uint64_t trials);

}  // namespace arbiter::aggregate
