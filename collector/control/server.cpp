#include "collector/control/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "collector/config/address.hpp"
#include "collector/control/access.hpp"
#include "collector/control/door.hpp"
#include "collector/control/listen.hpp"
#include "collector/control/session.hpp"
#include "collector/log/log.hpp"
#include "collector/thread.hpp"

namespace arbiter::control {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;

// Threads started meanwhile take no signals: those are for whoever started the server.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

class Server::Impl {
 public:
  Impl(service::Service& service, const ServerOptions& options, Listener listener, std::optional<TcpListener> tcp_listener)
      : listener_(std::move(listener)),
        hub_{service, options, {}, {}, false},
        own_(geteuid()),
        readers_(options.readers ? options.readers : group_id(kReadersGroup)),
        local_(Local::acceptor(context_, Local(), listener_.release()),
               [this](Local::socket socket) { welcome_local(std::move(socket)); }) {
    if (tcp_listener)
      tcp_.emplace(tcp::acceptor(context_, tcp_listener->family() == AF_INET6 ? tcp::v6() : tcp::v4(), tcp_listener->release()),
                   [this](tcp::socket socket) { welcome_tcp(std::move(socket)); });
    thread_ = std::thread([this] {
      begin_thread("control", Urgency::now);
      context_.run();
    });
  }

  ~Impl() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    const auto told = asio::use_future([this] {
      hub_.stopping = true;
      local_.close();
      if (tcp_) tcp_->close();
      listener_.remove();
      const std::vector<Session*> all(hub_.sessions.begin(), hub_.sessions.end());
      for (Session* session : all) session->stop();
    });
    asio::post(context_, told).wait();  // from then on no session gives the workers anything
    hub_.workers.join();
    last_answers();
    context_.stop();
    thread_.join();
  }

 private:
  // Waits until every session has gone, for stop_max at most.
  void last_answers() {
    const auto end = std::chrono::steady_clock::now() + hub_.options.stop_max;
    constexpr std::chrono::milliseconds step{5};
    while (std::chrono::steady_clock::now() < end) {
      if (asio::post(context_, asio::use_future([this] { return hub_.sessions.empty(); })).get()) return;
      std::this_thread::sleep_for(step);
    }
  }

  void welcome_local(Local::socket socket) {
    const auto peer = peer_of(socket.native_handle());
    if (!peer) return log::warning("control", "{}", peer.error().message);
    welcome(std::move(socket), *peer, access_of(*peer, own_, readers_));
  }

  void welcome_tcp(tcp::socket socket) {
    Peer peer;
    peer.over_tcp = true;
    welcome(std::move(socket), peer, Access::read);
  }

  void welcome(Session::Socket socket, const Peer& peer, Access access) {
    const std::size_t most = hub_.options.connections_max, kept_free = most / 8;
    const std::size_t open = hub_.sessions.size();
    // Whatever the others do, those who may change have some of their own.
    const bool room = access == Access::change ? open < most || sessions_that_may_change() < kept_free : open < most - kept_free;
    if (!room && open >= 2 * most) return;  // not even a refusal: each is a connection, too
    const auto session = std::make_shared<Session>(hub_, std::move(socket), peer, access);
    if (access == Access::none) {
      log::info("control", "uid {} (pid {}) is refused: it may not read here", peer.uid, peer.pid);
      session->refuse(error_response({"uid " + std::to_string(peer.uid) + " may not read here: join the group " +
                                          std::string(kReadersGroup) + ", or ask as root or as the collector's own user",
                                      403}));
    } else if (!room) {
      session->refuse(error_response({"too many connections: try again", 503}));
    } else {
      session->run();
    }
  }

  std::size_t sessions_that_may_change() const {
    return static_cast<std::size_t>(std::count_if(hub_.sessions.begin(), hub_.sessions.end(),
                                                  [](const Session* session) { return session->access() == Access::change; }));
  }

  Listener listener_;
  Hub hub_;  // before the context: sessions that the context still holds at the end leave it
  const uid_t own_;
  const std::optional<gid_t> readers_;
  asio::io_context context_{1};
  const asio::executor_work_guard<asio::io_context::executor_type> until_stopped_{context_.get_executor()};
  Door<Local> local_;
  std::optional<Door<tcp>> tcp_;
  std::thread thread_;
};

Result<std::unique_ptr<Server>> Server::start(service::Service& service, const ServerOptions& options) {
  auto listener = options.passed < 0 ? Listener::open(options.socket) : Result<Listener>(Listener::passed(options.passed));
  if (!listener) return listener.error();
  std::optional<TcpListener> tcp;
  if (!options.listen.empty()) {
    auto opened = TcpListener::open(options.listen);
    if (!opened) return opened.error();
    tcp.emplace(std::move(*opened));
  }
  const SignalsBlocked blocked;
  const std::string listening = tcp ? tcp->address() : std::string();
  auto impl = std::make_unique<Impl>(service, options, std::move(*listener), std::move(tcp));
  return std::unique_ptr<Server>(new Server(std::move(impl), listening));
}

Server::Server(std::unique_ptr<Impl> impl, std::string listening) : impl_(std::move(impl)), listening_(std::move(listening)) {}
Server::~Server() = default;
void Server::stop() { impl_->stop(); }

}  // namespace arbiter::control
