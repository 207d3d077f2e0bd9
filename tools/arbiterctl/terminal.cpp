#include "tools/arbiterctl/terminal.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace arbiter::ctl {
namespace {

bool colours() {
  static const bool wanted = [] {
    const char* const no = std::getenv("NO_COLOR");
    const char* const term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0') && term != nullptr && std::string_view(term) != "dumb";
  }();
  return wanted;
}

const char* code(Colour colour) {
  switch (colour) {
    case Colour::good: return "\033[32m";
    case Colour::doubtful: return "\033[33m";
    case Colour::bad: return "\033[31m";
    case Colour::heading: return "\033[1m";
    case Colour::none: break;
  }
  return "";
}

}  // namespace

std::string coloured(std::string_view text, Colour colour) {
  if (colour == Colour::none || !colours()) return std::string(text);
  return std::string(code(colour)).append(text).append("\033[0m");
}

std::string harmless(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // C0 and DEL, and C1 as UTF-8 writes it (c2 80 to c2 9f).
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || c1) {
      out += '?';
      if (c1) ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Progress::Progress(std::string what, std::function<std::string()> more) : what_(std::move(what)), more_(std::move(more)) {
  if (isatty(STDERR_FILENO) != 0) thread_ = std::thread([this] { run(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Progress::run() {
  using namespace std::chrono;
  const auto begun = steady_clock::now();
  std::unique_lock lock(mutex_);
  bool shown = false;
  for (auto next = begun + seconds(2); !ended_.wait_until(lock, next, [this] { return end_; }); next += seconds(1), shown = true) {
    lock.unlock();
    const std::string more = more_ ? harmless(more_()) : std::string();
    lock.lock();
    std::fprintf(stderr, "\r\033[K%s: %lld s%s", what_.c_str(),
                 static_cast<long long>(duration_cast<seconds>(steady_clock::now() - begun).count()), more.c_str());
  }
  if (shown) std::fprintf(stderr, "\r\033[K");
}

}  // namespace arbiter::ctl
