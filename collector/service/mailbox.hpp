// How other threads ask the drain's thread for something: it alone touches the journal, the join and the lanes.
#pragma once

#include <boost/lockfree/queue.hpp>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "shm/result.hpp"

namespace arbiter::service {

class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  int wake_fd() const { return wake_; }  // readable when there is something to do

  // Any thread. Runs `task` on the drain's thread, between two batches, and returns what it returned; an error once the mailbox is closed.
  template <class Task>
  auto ask(Task task) -> std::invoke_result_t<Task> {
    using Answer = std::invoke_result_t<Task>;
    auto promise = std::make_shared<std::promise<Answer>>();
    std::future<Answer> answer = promise->get_future();
    // The letter alone holds the promise: thrown away unread, it breaks it.
    if (!post([promise = std::move(promise), task = std::move(task)]() mutable { promise->set_value(task()); }))
      return Answer(Error{"the collector is stopping", 503});
    try {
      return answer.get();
    } catch (const std::future_error&) {  // dropped unanswered by close()
      return Answer(Error{"the collector is stopping", 503});
    }
  }

  // The drain's thread: runs what has come, so many tasks at most. True if anything ran.
  bool run();
  void close();  // the drain's thread: what is waiting and what comes later is answered with an error
  void wake();

 private:
  using Letter = std::function<void()>;
  bool post(Letter letter);

  boost::lockfree::queue<Letter*> letters_{256};
  std::atomic<bool> closed_{false};
  int wake_ = -1;
};

}  // namespace arbiter::service
