// A listening socket: hands on every connection that comes. Where none can be taken (out of descriptors, most likely) those who wait go on
// waiting, and it tries again.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <utility>

#include "collector/log/log.hpp"

namespace arbiter::control {

template <class Protocol>
class Door {
 public:
  using Acceptor = typename Protocol::acceptor;
  using Socket = typename Protocol::socket;

  Door(Acceptor acceptor, std::function<void(Socket)> welcome)
      : acceptor_(std::move(acceptor)), retry_(acceptor_.get_executor()), welcome_(std::move(welcome)) {
    accept();
  }

  const Acceptor& acceptor() const { return acceptor_; }

  void close() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
  }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, Socket socket) {
      if (!acceptor_.is_open()) return;
      if (error) return try_again(error);
      cannot_accept_ = false;
      welcome_(std::move(socket));
      accept();
    });
  }

  void try_again(const boost::system::error_code& error) {
    if (!std::exchange(cannot_accept_, true))
      log::warning("control", "taking a connection: {}: they wait: raise the limit of open files (LimitNOFILE)", error.message());
    constexpr std::chrono::milliseconds pause{100};
    retry_.expires_after(pause);
    retry_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  }

  Acceptor acceptor_;
  boost::asio::steady_timer retry_;
  std::function<void(Socket)> welcome_;
  bool cannot_accept_ = false;  // and that has been said
};

}  // namespace arbiter::control
