// Which anomalies there are: those that are open, and the latest that are over; and anomalies.jsonl, which has them all.
//
// anomalies.jsonl lies beside the snapshots. A line is an anomaly as it was found, or the same again as it was when it was over: of several
// with one `id` the last counts. A line is on stable storage before anybody is told. At kBytesMax the file becomes anomalies.jsonl.1, whose
// lines before then go, and what is open is written into the new one.
//
// After a kill the same anomalies are found again (detector.hpp). Whoever is in the book is not told of again: by its id, or as it was
// found from events that were recorded before one of the same kind was over.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "collector/detect/anomaly.hpp"
#include "shm/result.hpp"

namespace arbiter::service {

class AnomalyBook {
 public:
  static constexpr std::size_t kOpenMax = 10'000, kOverMax = 1000;
  static constexpr std::uint64_t kBytesMax = 16 << 20;

  explicit AnomalyBook(std::string path) : path_(std::move(path)) {}
  // Reads the file; one that is not there is empty, and lines that are none are passed over.
  Result<void> load();

  // Whether it is news: nothing of its agent and kind is open that it is part of, nor was it told before.
  bool news(const detect::Anomaly& found) const;
  // With false: there is no more room. The error is that of the file: it is in the book all the same.
  Result<bool> add(const detect::Anomaly& found);
  // What is open of that kind, agent and type of task is over; null: nothing is.
  const detect::Anomaly* end(detect::Type type, std::string_view agent, std::string_view task_type, std::int64_t now_ns,
                             std::int64_t recorded_ns, std::string_view resolution, Result<void>& written);

  const std::vector<detect::Anomaly>& open() const { return open_; }          // by when they were found
  const std::deque<detect::Anomaly>& over() const { return over_; }           // by when they ended
  const std::vector<std::uint64_t>& found_by_type() const { return found_; }  // since the start

 private:
  Result<void> write(const detect::Anomaly& anomaly);
  void read_line(std::string_view line);

  std::string path_;
  std::vector<detect::Anomaly> open_;
  std::deque<detect::Anomaly> over_;
  std::vector<std::uint64_t> found_ = std::vector<std::uint64_t>(std::size(detect::kTypes));
};

}  // namespace arbiter::service
