// The threads that calls run on, so that the control thread itself never waits for anything but sockets. Three sorts are kept apart: what
// is quick never stands behind an export, and an export never behind a caller who reads slowly.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <array>
#include <atomic>
#include <utility>

#include "collector/control/routes.hpp"

namespace arbiter::control {

class Workers {
 public:
  // False: too many of this sort are under way; nothing happens. Callers who may only read leave one place to those who may change.
  template <class Work>
  bool submit(Effort effort, Access access, Work work) {
    Sort& sort = sorts_[static_cast<std::size_t>(effort)];
    const int most = sort.most - (access == Access::change ? 0 : 1);
    if (sort.under_way.load(std::memory_order_relaxed) >= most) return false;  // only the control thread counts up: no pairing needed
    sort.under_way.fetch_add(1, std::memory_order_relaxed);
    boost::asio::post(*sort.pool, [&sort, work = std::move(work)]() mutable {
      work();
      sort.under_way.fetch_sub(1, std::memory_order_relaxed);
    });
    return true;
  }

  void join() {
    for (Sort& sort : sorts_) sort.pool->join();
  }

 private:
  struct Sort {
    boost::asio::thread_pool* pool;
    int most;  // under way, waiting ones included
    std::atomic<int> under_way{0};
  };
  boost::asio::thread_pool quick_{2}, heavy_{2}, streams_{4};
  std::array<Sort, 3> sorts_{{{&quick_, 64}, {&heavy_, 16}, {&streams_, 4}}};  // in the order of Effort
};

}  // namespace arbiter::control
