// The socket file: made, found stale, found taken, removed.
//
// Its mode is 0666: who may do what is decided by the caller's credentials at each connection (access.hpp), which a mode cannot express
// (two groups of rights), and a stranger deserves a 403 that says so. The directory around it is the first fence: a private one is 0700.
#pragma once

#include <sys/types.h>

#include <string>

#include "shm/result.hpp"

namespace arbiter::control {

class Listener {
 public:
  // Makes missing directories above, binds under a temporary name, listens, and renames: who sees the file is answered. A file left by a
  // dead collector is replaced. Error: somebody answers on it (EADDRINUSE), something else than a socket is there, the path is too long for
  // a socket.
  static Result<Listener> open(const std::string& path);
  // A socket that listens there already, made by who started us: its file is his to remove.
  static Listener passed(int descriptor) { return Listener({}, descriptor); }
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();  // closes, removes

  int release();  // the descriptor, from now on the caller's to close
  void remove();  // the file, if it is still the one made here

 private:
  Listener(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string path_;
  int descriptor_ = -1;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

// A port of this machine alone.
class TcpListener {
 public:
  // `text` as config::parse_loopback reads it; port 0: a free one. Error: it is taken.
  static Result<TcpListener> open(const std::string& text);
  TcpListener(TcpListener&& other) noexcept;
  TcpListener& operator=(TcpListener&&) = delete;
  ~TcpListener();  // closes

  const std::string& address() const { return address_; }  // with the port that it has
  int family() const { return family_; }                   // AF_INET or AF_INET6
  int release();                                           // the descriptor, from now on the caller's to close

 private:
  TcpListener(int descriptor, int family) : descriptor_(descriptor), family_(family) {}
  int descriptor_ = -1, family_;
  std::string address_;
};

}  // namespace arbiter::control
