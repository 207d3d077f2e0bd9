#include "collector/service/audit.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <chrono>

#include "collector/journal/file.hpp"
#include "collector/snapshot/time_text.hpp"

namespace arbiter::service {

Result<void> Audit::add(const boost::json::object& line) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch());
  boost::json::object whole{{"at", boost::json::string(snapshot::time_text(now.count()))}};
  for (const auto& [key, value] : line) whole[key] = value;
  const std::string text = boost::json::serialize(whole) + "\n";

  const auto open = [this] { return journal::File::open(path_, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC); };
  auto file = open();
  if (!file) return file.error();
  auto size = (*file)->size();
  if (size && *size >= kBytesMax) {
    if (auto ok = journal::rename_file(path_, path_ + ".1"); !ok) return ok;
    file = open();
    if (!file) return file.error();
    size = (*file)->size();
  }
  if (!size) return size.error();
  if (auto ok = (*file)->write(journal::bytes_of(text), *size); !ok) return ok.error().while_(path_);
  return {};
}

}  // namespace arbiter::service
