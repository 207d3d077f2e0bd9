#include "collector/control/listen.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "collector/config/address.hpp"

namespace arbiter::control {
namespace {

constexpr int kBacklog = 128;

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  path.copy(address.sun_path, path.size());
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

// Nobody there, or the error.
Result<void> check_free(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return system_error(path);
  }
  if (!S_ISSOCK(status.st_mode)) return Error{path + ": is there and is no socket: move it away, or name another with \"socket\"", EEXIST};
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return system_error("making a socket");
  const int outcome = connect(probe, as_sockaddr(address), sizeof address) == 0 ? 0 : errno;
  close(probe);
  if (outcome == ECONNREFUSED || outcome == ENOENT) return {};
  if (outcome == 0 || outcome == EAGAIN)
    return Error{path + ": another collector answers there: stop it, or give this one its own --instance or socket", EADDRINUSE};
  return system_error(path + ": cannot see whether another collector is there", outcome);
}

void make_directories_above(const std::string& path) {
  std::error_code ignored;  // bind says what is wrong, if anything
  const auto directory = std::filesystem::path(path).parent_path();
  if (directory.empty() || std::filesystem::exists(directory, ignored)) return;
  if (!std::filesystem::create_directories(directory, ignored)) return;
  const mode_t mode = geteuid() == 0 ? 0755 : 0700;
  ::chmod(directory.c_str(), mode);
}

}  // namespace

Result<Listener> Listener::open(const std::string& path) {
  // The temporary name has to fit as well.
  const std::string temporary = path + "." + std::to_string(getpid());
  const auto address = address_of(path), temporary_address = address_of(temporary);
  if (!address || !temporary_address)
    return Error{path + ": is too long for a socket (107 bytes with \".<pid>\" behind it): name a shorter one", ENAMETOOLONG};
  make_directories_above(path);
  if (const auto free = check_free(path, *address); !free) return free.error();

  Listener listener(path, ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.descriptor_ < 0) return system_error("making a socket");
  unlink(temporary.c_str());  // of a dead process that had our number
  struct stat status {};
  if (bind(listener.descriptor_, as_sockaddr(*temporary_address), sizeof *temporary_address) != 0)
    return system_error("making the socket " + path);
  if (::chmod(temporary.c_str(), 0666) != 0 || listen(listener.descriptor_, kBacklog) != 0 || lstat(temporary.c_str(), &status) != 0 ||
      rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = system_error("making the socket " + path);
    unlink(temporary.c_str());
    return error;
  }
  listener.device_ = status.st_dev, listener.inode_ = status.st_ino;
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

Listener::~Listener() {
  remove();
  if (descriptor_ >= 0) close(descriptor_);
}

int Listener::release() { return std::exchange(descriptor_, -1); }

void Listener::remove() {
  struct stat status {};
  if (inode_ != 0 && lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_) unlink(path_.c_str());
  inode_ = 0;
}

Result<TcpListener> TcpListener::open(const std::string& text) {
  const auto wanted = config::parse_loopback(text);
  if (!wanted) return Error{text + ": is no address of this machine alone with a port", EINVAL};
  union {
    sockaddr any;
    sockaddr_in four;
    sockaddr_in6 six;
  } address{};
  const bool six = wanted->host.find(':') != std::string::npos;
  socklen_t size = six ? sizeof address.six : sizeof address.four;
  address.any.sa_family = six ? AF_INET6 : AF_INET;
  (six ? address.six.sin6_port : address.four.sin_port) = htons(wanted->port);
  inet_pton(address.any.sa_family, wanted->host.c_str(), six ? static_cast<void*>(&address.six.sin6_addr) : &address.four.sin_addr);

  TcpListener listener(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), address.any.sa_family);
  const int fd = listener.descriptor_, on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(fd, &address.any, size) != 0 ||
      ::listen(fd, kBacklog) != 0 || getsockname(fd, &address.any, &size) != 0)
    return Error{system_error("listening on " + text).message + ": name another with \"listen\", or null for none", errno};
  const std::uint16_t port = ntohs(six ? address.six.sin6_port : address.four.sin_port);
  listener.address_ = (six ? "[" + wanted->host + "]" : wanted->host) + ":" + std::to_string(port);
  return listener;
}

TcpListener::TcpListener(TcpListener&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), family_(other.family_), address_(std::move(other.address_)) {}

TcpListener::~TcpListener() {
  if (descriptor_ >= 0) close(descriptor_);
}

int TcpListener::release() { return std::exchange(descriptor_, -1); }

}  // namespace arbiter::control
