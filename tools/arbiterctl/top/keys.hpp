// What a key changes in what is shown.
#pragma once

#include "tools/arbiterctl/top/view.hpp"

namespace arbiter::ctl::top {

inline constexpr double kEverySecondsMin = 0.5, kEverySecondsMax = 60;

// False: it is the one to leave by.
bool press(Shown& shown, int key, int rows);

}  // namespace arbiter::ctl::top
