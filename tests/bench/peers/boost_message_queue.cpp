// Boost.Interprocess' message_queue: a mutex and two conditions in shared memory.
#include <boost/interprocess/ipc/message_queue.hpp>

#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {
namespace {

namespace interprocess = boost::interprocess;

struct MessageQueue {
  static constexpr bool kOwnProcesses = false, kTakeWaits = false;
  static constexpr std::size_t kMessages = 8'192;
  static std::string name_here() { return "arbiter-bench-" + std::to_string(getpid()); }

  explicit MessageQueue(const std::string&) : name(name_here()) {
    interprocess::message_queue::remove(name.c_str());
    interprocess::message_queue(interprocess::create_only, name.c_str(), kMessages, sizeof(peer_event));
  }
  ~MessageQueue() { interprocess::message_queue::remove(name.c_str()); }
  MessageQueue(const MessageQueue&) = delete;
  MessageQueue& operator=(const MessageQueue&) = delete;
  std::string name;

  struct Producer {
    explicit Producer(MessageQueue& way) : queue(interprocess::open_only, way.name.c_str()) {}
    bool send(std::uint64_t i) {
      fill(event, i);
      return queue.try_send(&event, sizeof event, 0);
    }
    void flush() {}
    interprocess::message_queue queue;
    peer_event event{};
  };
  struct Consumer {
    explicit Consumer(MessageQueue& way) : queue(interprocess::open_only, way.name.c_str()) {}
    std::uint64_t take() {
      peer_event event;
      interprocess::message_queue::size_type bytes = 0;
      unsigned priority = 0;
      std::uint64_t taken = 0;
      for (; taken < kMessages && queue.try_receive(&event, sizeof event, bytes, priority); ++taken) touch(event);
      return taken;
    }
    interprocess::message_queue queue;
  };
};

}  // namespace

Result<Exchanged> boost_message_queue(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<MessageQueue>(setting.memory, manner, events);
}

}  // namespace arbiter::bench::peers_of
