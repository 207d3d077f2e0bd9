// Prometheus' text format, version 0.0.4: families with their samples, written one after the other.
#pragma once

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "collector/meter.hpp"

namespace arbiter::service {

class Exposition {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Samples that follow are of this family. `name` outlives them.
  void family(std::string_view name, std::string_view type, std::string_view help);

  template <class Number>
  void sample(Number value, Labels labels = {}) {
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, value).ptr;
    line({}, labels, {number, end});
  }

  template <class Number>
  void counter(std::string_view name, std::string_view help, Number value) {
    family(name, "counter", help);
    sample(value);
  }
  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number value) {
    family(name, "gauge", help);
    sample(value);
  }
  // `unit`: what the meter counted in, in those of the family: 1e-9 for nanoseconds as seconds.
  void histogram(std::string_view name, std::string_view help, const Meter& meter, double unit = 1);

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view number);

  std::string out_;
  std::string_view name_;
};

}  // namespace arbiter::service
