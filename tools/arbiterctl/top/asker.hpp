// Asks the collector again and again, on a thread of its own, so that keys are answered while it does not answer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "tools/arbiterctl/top/look.hpp"

namespace arbiter::ctl::top {

class Asker {
 public:
  // `told`: a descriptor that is written eight bytes to (eventfd) when there is something new.
  Asker(std::string socket, std::chrono::milliseconds every, std::string window, int told);
  ~Asker();  // waits for the question under way
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  void every(std::chrono::milliseconds every);
  void window(const std::string& window);  // of the agents; asked for at once

  struct News {
    std::optional<Look> look;
    std::optional<boost::json::object> agents;
    std::string window;   // that the agents are over
    std::string trouble;  // why there is no look
  };
  News take();  // what is new since the last time

 private:
  void run(const std::stop_token& stopping);

  const std::string socket_;
  const int told_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  // Under mutex_:
  std::chrono::milliseconds every_;
  std::string window_;
  bool again_ = false;
  News news_;
  std::jthread thread_;
};

}  // namespace arbiter::ctl::top
