// The one error type of the collector and the tools, and the result that carries it.
//
// The producer's record path does not use it: there an outcome is a value of eight bytes (producer.hpp).
#pragma once

#include <boost/system/result.hpp>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace arbiter {

// What is wrong, in the words a person reads: "what failed on what: why". Whoever hands an error up adds what it was doing in front.
struct Error {
  std::string message;
  int code = 0;  // errno where a system call said no, else 0

  Error while_(std::string_view doing) const { return {std::string(doing) + ": " + message, code}; }
};

inline Error system_error(std::string_view what, int code = errno) { return {std::string(what) + ": " + std::strerror(code), code}; }

[[noreturn]] inline void throw_exception_from_error(const Error& e, const boost::source_location&) { throw std::runtime_error(e.message); }

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace arbiter
