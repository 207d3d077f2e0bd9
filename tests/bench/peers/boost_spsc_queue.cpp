// Boost.Lockfree's spsc_queue, of a lane's size, in memory that both processes share.
#include <boost/lockfree/spsc_queue.hpp>

#include "shm/abi.hpp"
#include "tests/bench/peers/peer.hpp"

namespace arbiter::bench::peers_of {
namespace {

struct SpscQueue {
  using Queue = boost::lockfree::spsc_queue<peer_event, boost::lockfree::capacity<abi::kLaneBytes / sizeof(peer_event)>>;
  static constexpr bool kOwnProcesses = false, kTakeWaits = false;

  explicit SpscQueue(const std::string&)
      : memory(mmap(nullptr, sizeof(Queue), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)),
        queue(*new (memory) Queue) {}
  ~SpscQueue() { munmap(memory, sizeof(Queue)); }
  SpscQueue(const SpscQueue&) = delete;
  SpscQueue& operator=(const SpscQueue&) = delete;
  void* memory;
  Queue& queue;

  struct Producer {
    explicit Producer(SpscQueue& way) : queue(way.queue) {}
    bool send(std::uint64_t i) {
      fill(event, i);
      return queue.push(event);
    }
    void flush() {}
    Queue& queue;
    peer_event event{};
  };
  struct Consumer {
    explicit Consumer(SpscQueue& way) : queue(way.queue) {}
    std::uint64_t take() { return queue.consume_all(touch); }
    Queue& queue;
  };
};

}  // namespace

Result<Exchanged> boost_spsc_queue(const Setting& setting, Manner manner, std::uint64_t events) {
  return exchanged<SpscQueue>(setting.memory, manner, events);
}

}  // namespace arbiter::bench::peers_of
