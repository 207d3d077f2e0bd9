#include "collector/service/anomaly_book.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

using arbiter::Result;
using arbiter::detect::Anomaly;
using arbiter::detect::Severity;
using arbiter::detect::Type;
using arbiter::service::AnomalyBook;
namespace fs = std::filesystem;

namespace {

struct Directory {
  Directory() {
    std::string name = (fs::temp_directory_path() / "anomaly-book.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { fs::remove_all(path); }
  fs::path path;
  std::string file() const { return path / "anomalies.jsonl"; }
};

Anomaly sample(std::string id, std::string agent, std::string task_type = {}) {
  Anomaly a;
  a.id = std::move(id);
  a.type = Type::error_rate_increase;
  a.severity = Severity::high;
  a.agent = std::move(agent);
  a.task_type = std::move(task_type);
  a.began_ns = 100;
  a.detected_ns = a.recorded_ns = 200;
  return a;
}

const Anomaly* end(AnomalyBook& book, const Anomaly& a, std::int64_t recorded_ns) {
  Result<void> written;
  const Anomaly* const ended = book.end(a.type, a.agent, a.task_type, recorded_ns, recorded_ns, "recovered", written);
  CHECK(written.has_value());
  return ended;
}

}  // namespace

TEST_CASE("what is in the book is no news, and neither is a part of it or what it is a part of") {
  Directory directory;
  AnomalyBook book(directory.file());
  REQUIRE(book.load().has_value());
  CHECK(book.news(sample("1", "a")));
  REQUIRE(book.add(sample("1", "a")).has_value());
  CHECK_FALSE(book.news(sample("2", "a")));
  CHECK_FALSE(book.news(sample("2", "a", "fix")));
  CHECK(book.news(sample("2", "b")));
  REQUIRE(book.add(sample("3", "b", "fix")).has_value());
  CHECK_FALSE(book.news(sample("4", "b")));
  CHECK(book.news(sample("4", "b", "review")));
}

TEST_CASE("the book is the same after a restart, with what was cut off at its end left out") {
  Directory directory;
  {
    AnomalyBook book(directory.file());
    REQUIRE(book.load().has_value());
    REQUIRE(book.add(sample("1", "a")).has_value());
    REQUIRE(book.add(sample("2", "b")).has_value());
    REQUIRE(end(book, sample("1", "a"), 500) != nullptr);
  }
  std::ofstream(directory.file(), std::ios::app) << R"({"id": "3", "type": )";
  AnomalyBook book(directory.file());
  REQUIRE(book.load().has_value());
  REQUIRE(book.open().size() == 1);
  CHECK(book.open()[0].id == "2");
  REQUIRE(book.over().size() == 1);
  CHECK(book.over()[0].resolution == "recovered");
  // And the next line stands by itself.
  REQUIRE(book.add(sample("4", "c")).has_value());
  AnomalyBook again(directory.file());
  REQUIRE(again.load().has_value());
  CHECK(again.open().size() == 2);
}

TEST_CASE("what is found again from events of before it was over is no news, and the same again later is") {
  Directory directory;
  AnomalyBook book(directory.file());
  REQUIRE(book.load().has_value());
  REQUIRE(book.add(sample("1", "a")).has_value());
  REQUIRE(end(book, sample("1", "a"), 500) != nullptr);
  CHECK(end(book, sample("1", "a"), 600) == nullptr);
  Anomaly again = sample("2", "a");
  CHECK_FALSE(book.news(again));
  again.recorded_ns = 500;
  CHECK_FALSE(book.news(again));
  again.recorded_ns = 501;
  CHECK(book.news(again));
  Anomaly first = sample("1", "a");
  first.recorded_ns = 501;
  CHECK_FALSE(book.news(first));
}
