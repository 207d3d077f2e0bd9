#include "tools/arbiterctl/top/top.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <utility>

#include "tools/arbiterctl/client.hpp"
#include "tools/arbiterctl/top/asker.hpp"
#include "tools/arbiterctl/top/keys.hpp"
#include "tools/arbiterctl/top/screen.hpp"

namespace arbiter::ctl::top {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// What would end or resize it comes to be read, between two pictures: the terminal is given back whatever it is.
int signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// False: it is to end.
bool take_signals(int fd, Screen& screen) {
  signalfd_siginfo info{};
  while (read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGWINCH) return false;
    screen.resized();
  }
  return true;
}

void take_news(Asker& asker, Shown& shown) {
  Asker::News news = asker.take();
  if (shown.held) return;
  if (news.look) {
    shown.before = std::exchange(shown.now, std::nullopt);
    shown.now = std::move(news.look);
  }
  if (news.agents && news.window == shown.window) shown.agents = std::move(*news.agents);
  shown.trouble = std::move(news.trouble);
}

std::chrono::milliseconds interval(const Shown& shown) {
  constexpr double ms = 1000;
  return std::chrono::milliseconds(static_cast<int>(shown.every_seconds * ms));
}

}  // namespace

Result<void> run(const Options& options) {
  std::setlocale(LC_CTYPE, "");  // and nothing else: numbers are written the same everywhere
  if (auto answer = client::Client(options.socket).status(); !answer) return answer.error();
  const Descriptor signal(signals()), told(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  auto opened = Screen::open();
  if (!opened) return opened.error();
  Screen& screen = **opened;

  Shown shown;
  shown.socket = options.socket;
  shown.window = options.window;
  shown.every_seconds = static_cast<double>(options.every.count()) / 1000;
  Asker asker(options.socket, options.every, options.window, told.get());
  std::array<pollfd, 3> waiting = {{{STDIN_FILENO, POLLIN, 0}, {signal.get(), POLLIN, 0}, {told.get(), POLLIN, 0}}};
  while (true) {
    screen.draw(view(shown, screen.columns(), screen.rows()));
    if (poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return system_error("waiting for a key");
    if (!take_signals(signal.get(), screen)) return {};
    for (int key; (key = screen.key()) != kNone;) {
      const std::string window = shown.window;
      const double every = shown.every_seconds;
      if (!press(shown, key, screen.rows())) return {};
      if (shown.window != window) asker.window(shown.window), shown.agents.clear();
      if (shown.every_seconds != every) asker.every(interval(shown));
    }
    if ((waiting[0].revents & (POLLHUP | POLLERR)) != 0) return {};  // the terminal is gone
    std::uint64_t times = 0;
    if (read(told.get(), &times, sizeof times) > 0) take_news(asker, shown);
  }
}

}  // namespace arbiter::ctl::top
