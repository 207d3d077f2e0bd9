#include "collector/service/anomaly_book.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

#include "collector/journal/file.hpp"

namespace arbiter::service {

using detect::Anomaly;

namespace {

bool same_kind(const Anomaly& a, const Anomaly& b) { return a.type == b.type && a.agent == b.agent; }
// One of the two is about all types of task, or both are about one.
bool overlap(const Anomaly& a, const Anomaly& b) { return a.task_type.empty() || b.task_type.empty() || a.task_type == b.task_type; }

}  // namespace

Result<void> AnomalyBook::load() {
  for (const std::string& path : {path_ + ".1", path_}) {
    auto text = journal::read_file(path);
    if (!text) {
      if (text.error().code == ENOENT) continue;
      return text.error().while_(path);
    }
    for (std::string_view rest = *text; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) break;  // a write that was interrupted
      read_line(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  return {};
}

void AnomalyBook::read_line(std::string_view line) {
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(line, error);
  if (error) return;
  auto anomaly = detect::anomaly_of(value);
  if (!anomaly) return;
  std::erase_if(open_, [&](const Anomaly& a) { return a.id == anomaly->id; });
  if (anomaly->open() && open_.size() < kOpenMax) {
    open_.push_back(std::move(*anomaly));
  } else if (!anomaly->open()) {
    over_.push_back(std::move(*anomaly));
    if (over_.size() > kOverMax) over_.pop_front();
  }
}

bool AnomalyBook::news(const Anomaly& found) const {
  const auto is_open = [&](const Anomaly& a) { return same_kind(a, found) && overlap(a, found); };
  if (std::any_of(open_.begin(), open_.end(), is_open)) return false;
  const auto was_told = [&](const Anomaly& a) {
    return a.id == found.id || (same_kind(a, found) && overlap(a, found) && found.recorded_ns <= a.recorded_ns);
  };
  return std::none_of(over_.begin(), over_.end(), was_told);
}

Result<bool> AnomalyBook::add(const Anomaly& found) {
  if (open_.size() >= kOpenMax) return Result<bool>(boost::system::in_place_value, false);
  ++found_[static_cast<std::size_t>(found.type)];
  open_.push_back(found);
  if (auto written = write(found); !written) return written.error();
  return Result<bool>(boost::system::in_place_value, true);
}

const Anomaly* AnomalyBook::end(detect::Type type, std::string_view agent, std::string_view task_type, std::int64_t now_ns,
                                std::int64_t recorded_ns, std::string_view resolution, Result<void>& written) {
  const auto at = std::find_if(open_.begin(), open_.end(),
                               [&](const Anomaly& a) { return a.type == type && a.agent == agent && a.task_type == task_type; });
  if (at == open_.end()) return nullptr;
  Anomaly ended = std::move(*at);
  open_.erase(at);
  ended.resolved_ns = std::max(now_ns, ended.detected_ns);
  ended.recorded_ns = std::max(ended.recorded_ns, recorded_ns);
  ended.resolution = resolution;
  over_.push_back(std::move(ended));
  if (over_.size() > kOverMax) over_.pop_front();
  written = write(over_.back());
  return &over_.back();
}

Result<void> AnomalyBook::write(const Anomaly& anomaly) {
  const auto open = [this] { return journal::File::open(path_, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC); };
  auto file = open();
  if (!file) return file.error();
  auto size = (*file)->size();
  std::string text;
  if (size && *size >= kBytesMax) {
    if (auto ok = journal::rename_file(path_, path_ + ".1"); !ok) return ok;
    file = open();
    if (!file) return file.error();
    size = (*file)->size();
    for (const Anomaly& a : open_) text += boost::json::serialize(detect::json_of(a)) + "\n";
  }
  if (!size) return size.error();
  text += boost::json::serialize(detect::json_of(anomaly)) + "\n";
  // What an interrupted write left is ended, so that it harms no line but itself.
  if (*size != 0) {
    std::byte last{};
    auto reading = journal::File::open(path_, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (reading && (*reading)->read({&last, 1}, *size - 1) && last != std::byte{'\n'}) text.insert(text.begin(), '\n');
  }
  if (auto ok = (*file)->write(journal::bytes_of(text), *size); !ok) return ok.error().while_(path_);
  return (*file)->sync();
}

}  // namespace arbiter::service
