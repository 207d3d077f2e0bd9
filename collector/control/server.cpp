#include "collector/control/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>

#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "collector/control/access.hpp"
#include "collector/control/listen.hpp"
#include "collector/control/session.hpp"
#include "collector/log/log.hpp"
#include "collector/thread.hpp"

namespace arbiter::control {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;

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
  Impl(service::Service& service, const ServerOptions& options, Listener listener)
      : listener_(std::move(listener)),
        hub_{service, options, {}, {}, false},
        own_(geteuid()),
        readers_(options.readers ? options.readers : group_id(kReadersGroup)),
        acceptor_(context_),
        retry_(context_) {
    acceptor_.assign(stream_protocol(), listener_.release());
    accept();
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
      boost::system::error_code ignored;
      acceptor_.close(ignored);
      retry_.cancel();
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

  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, stream_protocol::socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) {  // out of descriptors, most likely: the others go on, and this comes back
        if (!std::exchange(cannot_accept_, true))
          log::warning("control", "taking a connection: {}: they wait: raise the limit of open files (LimitNOFILE)", error.message());
        constexpr std::chrono::milliseconds pause{100};
        retry_.expires_after(pause);
        retry_.async_wait([this](boost::system::error_code cancelled) {
          if (!cancelled && acceptor_.is_open()) accept();
        });
        return;
      }
      cannot_accept_ = false;
      welcome(std::move(socket));
      accept();
    });
  }

  void welcome(stream_protocol::socket socket) {
    const auto peer = peer_of(socket.native_handle());
    if (!peer) return log::warning("control", "{}", peer.error().message);
    const Access access = access_of(*peer, own_, readers_);
    const std::size_t most = hub_.options.connections_max;
    const std::size_t open = hub_.sessions.size();
    if (open >= 2 * most) return;  // not even a refusal: each is a connection, too
    const auto session = std::make_shared<Session>(hub_, std::move(socket), *peer, access);
    if (access == Access::none) {
      log::debug("control", "uid {} (pid {}) may not read here", peer->uid, peer->pid);
      session->refuse(error_response({"uid " + std::to_string(peer->uid) + " may not read here: join the group " +
                                          std::string(kReadersGroup) + ", or ask as root or as the collector's own user",
                                      403}));
    } else if (open >= (access == Access::change ? most : most - most / 8)) {
      session->refuse(error_response({"too many connections: try again", 503}));
    } else {
      session->run();
    }
  }

  Listener listener_;
  Hub hub_;  // before the context: sessions that the context still holds at the end leave it
  const uid_t own_;
  const std::optional<gid_t> readers_;
  asio::io_context context_{1};
  const asio::executor_work_guard<asio::io_context::executor_type> until_stopped_{context_.get_executor()};
  stream_protocol::acceptor acceptor_;
  asio::steady_timer retry_;
  bool cannot_accept_ = false;  // and that has been said
  std::thread thread_;
};

Result<std::unique_ptr<Server>> Server::start(service::Service& service, const ServerOptions& options) {
  auto listener = Listener::open(options.socket);
  if (!listener) return listener.error();
  const SignalsBlocked blocked;
  return std::unique_ptr<Server>(new Server(std::make_unique<Impl>(service, options, std::move(*listener))));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
void Server::stop() { impl_->stop(); }

}  // namespace arbiter::control
