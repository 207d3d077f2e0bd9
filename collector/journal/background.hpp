// Seals full segments and writes checkpoints, on a thread of its own. Jobs are done in the order in which they came; one that the disk
// refuses is tried again every second, as nothing behind it may overtake it: the chain of links is in the order of the segments.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "collector/journal/sealed_file.hpp"
#include "collector/journal/syncer.hpp"

namespace arbiter::journal {

class Background {
 public:
  // `cipher`: checkpoints are encrypted with it; null: they are not.
  Background(std::string directory, const LinkKey& key, std::shared_ptr<const crypt::Cipher> cipher, Syncer& syncer);
  ~Background();  // lets go of what is not done
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // The writer calls these, and nobody else.
  void follow(const Anchor& newest);  // what was sealed last; before the first job
  void seal(SealJob job);
  // One that is waiting is replaced. It has its name only when the frames up to `last_frame`, that it knows of, are on stable storage.
  void checkpoint(std::string content, std::uint64_t last_frame);
  // To be closed there: the last to close a file that has been removed waits until its pages are gone, and of a segment there are
  // thousands.
  void close(std::shared_ptr<const SegmentFile> file);
  void finish();                     // waits until all is done, or cannot be for now
  bool cancel(std::uint64_t index);  // this segment is not wanted any more: true: forgotten; false: it is being sealed, and given up soon
                                     // (Done says so)
  void abandon();                    // waits until nothing is being done; jobs that are not done are forgotten

  struct Done {
    std::uint64_t index = 0;
    std::optional<Sealed> sealed;  // nothing: its frames are damaged, it stays as it is
    std::string problem;
    bool cancelled = false;
  };
  std::vector<Done> take_done();
  struct Trouble {
    std::uint64_t episodes = 0;  // of failing that have begun since the last call
    std::string message;         // the last
  };
  Trouble take_trouble();

 private:
  void run();
  bool work(std::unique_lock<std::mutex>& lock);  // false: failed, try again later

  const std::string directory_;
  const LinkKey key_;
  const std::shared_ptr<const crypt::Cipher> cipher_;
  Syncer& syncer_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  // Under mutex_:
  std::deque<SealJob> jobs_;
  struct WaitingCheckpoint {
    std::string content;
    std::uint64_t last_frame;
  };
  std::optional<WaitingCheckpoint> checkpoint_;
  std::vector<Done> done_;
  std::vector<std::shared_ptr<const SegmentFile>> closing_;
  std::uint64_t sealing_ = 0;  // the segment being sealed; 0: none
  Anchor newest_;
  Trouble trouble_;
  bool in_episode_ = false;  // what was tried last has failed
  bool failing_ = false, busy_ = false, stop_ = false;
  std::atomic<bool> abort_{false};  // relaxed: a hint to give up early, orders nothing
  std::thread thread_;
};

std::string checkpoint_path(const std::string& directory);

}  // namespace arbiter::journal
