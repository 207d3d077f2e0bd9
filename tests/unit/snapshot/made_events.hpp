// Single events of one task, made up field by field.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "tests/unit/snapshot/memory_view.hpp"

namespace arbiter {

class Made {
 public:
  Made(Kind kind, std::int64_t time_ns, std::uint64_t sequence, std::string_view task = "t") {
    values_.kind = kind;
    values_.stamp = static_cast<std::uint64_t>(time_ns);
    values_.sequence = sequence;
    text("taskId", task);
  }
  Made& text(std::string_view path, std::string_view value) {
    values_.set_text(at(path), std::string_view(strings_.emplace_back(value)));
    return *this;
  }
  Made& real(std::string_view path, double value) { return values_.set_real(at(path), value), *this; }
  Made& count(std::string_view path, std::uint64_t value) { return values_.set(at(path), value), *this; }
  Made& time(std::string_view path, std::int64_t value) { return values_.set_time(at(path), value), *this; }
  Made& flag(std::string_view path, bool value) { return values_.set_flag(at(path), value), *this; }
  // Agents, scores and probabilities; a negative one is not known.
  struct Alternative {
    std::string_view agent;
    double score, probability;
  };
  Made& alternatives(std::initializer_list<Alternative> all) {
    std::string& bytes = strings_.emplace_back();
    event::ListWriter writer(bytes);
    for (const Alternative& each : all) {
      writer.item();
      writer.text(0, each.agent);
      if (each.score >= 0) writer.real(1, each.score);
      if (each.probability >= 0) writer.real(2, each.probability);
    }
    values_.set_text(at("alternativesConsidered"), std::string_view(bytes));
    return *this;
  }
  const event::Values& values() const { return values_; }

 private:
  unsigned at(std::string_view path) const { return static_cast<unsigned>(schema::find_field(values_.kind, path)); }

  event::Values values_;
  std::deque<std::string> strings_;
};

}  // namespace arbiter
