// The list of a packed event: what it takes in bytes, those bytes, and its rules. event.hpp has the form.
#pragma once

#include <cstddef>

#include "arbiter/packed.hpp"
#include "shm/ascii_copy.hpp"
#include "shm/event.hpp"

namespace arbiter::items {

// All of an event that has a list: event.items is not Items::none.
std::size_t bytes(const packed::Event& event) noexcept;
// Writes them to `to`, and gives the place behind them; sets `doubt` if an item may break a rule, which need not be seen in its strings.
char* write(const packed::Event& event, AsciiCopy<true>& strings, char* to, bool& doubt) noexcept;
event::Fault check(const packed::Event& event) noexcept;

// The same of a list of C's: what the three above hand those on to (c_items.cpp).
std::size_t c_bytes(const packed::Event& event) noexcept;
char* c_write(const packed::Event& event, AsciiCopy<true>& strings, char* to, bool& doubt) noexcept;
event::Fault c_check(const packed::Event& event) noexcept;

}  // namespace arbiter::items
