#include "collector/service/mailbox.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace arbiter;
using service::Mailbox;

TEST_CASE("what is asked runs on the thread that runs the mailbox, and the answer comes back") {
  Mailbox mailbox;
  std::atomic<bool> stop{false};
  std::thread::id where;
  std::thread drain([&] {
    where = std::this_thread::get_id();
    while (!stop) mailbox.run();
  });
  const auto answer = mailbox.ask([&]() -> Result<std::thread::id> { return std::this_thread::get_id(); });
  stop = true;
  drain.join();
  REQUIRE(answer.has_value());
  CHECK((*answer == where));
}

TEST_CASE("every question gets an answer, whenever the mailbox closes") {
  for (int round = 0; round < 200; ++round) {
    Mailbox mailbox;
    std::atomic<int> answered{0}, refused{0};
    std::thread drain([&] {
      for (int i = 0; i < round; ++i) mailbox.run();
      mailbox.close();
    });
    std::vector<std::thread> askers;
    for (int t = 0; t < 3; ++t)
      askers.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          const auto answer = mailbox.ask([]() -> Result<int> { return 1; });
          if (!answer) CHECK(answer.error().code == 503);
          ++(answer ? answered : refused);
        }
      });
    for (std::thread& asker : askers) asker.join();
    drain.join();
    CHECK(answered + refused == 30);
  }
}
