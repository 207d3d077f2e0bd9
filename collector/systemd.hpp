// What the service manager hands in and wants to hear, by libsystemd: sockets (LISTEN_FDS), readiness and state (NOTIFY_SOCKET), the
// watchdog. Started by hand, outside of any unit, there is none of it, and every call here does nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "shm/result.hpp"

namespace arbiter::systemd {

// Sockets that a socket unit bound before this process began: callers wait there while it starts. -1: none, it binds its own.
struct Sockets {
  int control = -1, doorbell = -1;
};

// Those of the paths given, of the right type. Error: there is another one too, so that the unit and the configuration name different
// places: nobody would answer there. To be called once, before any thread begins.
Result<Sockets> passed_sockets(const std::string& control, const std::string& doorbell);

// How long the manager waits for alive() before it takes the process for stuck (WatchdogSec); nothing: it does not.
std::optional<std::chrono::microseconds> watchdog();

// Any thread. `status` is one line for people: `systemctl status` shows it.
void ready(std::string_view status);
void reloading();  // ready() ends it
void stopping(std::string_view status);
void alive(std::string_view status);  // feeds the watchdog

}  // namespace arbiter::systemd
