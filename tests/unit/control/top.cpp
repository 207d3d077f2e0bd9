#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

#include <clocale>

#include "tools/arbiterctl/top/keys.hpp"
#include "tools/arbiterctl/top/look.hpp"
#include "tools/arbiterctl/top/screen.hpp"
#include "tools/arbiterctl/top/table.hpp"
#include "tools/arbiterctl/top/view.hpp"

using namespace arbiter::ctl;
using namespace arbiter::ctl::top;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> plain(const std::vector<Line>& lines) {
  std::vector<std::string> all;
  for (const Line& line : lines) {
    std::string& text = all.emplace_back();
    for (const top::Span& span : line) text += span.text;
  }
  return all;
}

Look look(std::chrono::seconds at, const std::string& metrics) {
  return {std::chrono::steady_clock::time_point(at),
          boost::json::parse(R"({"health":"ok","explanation":"well","version":"1","pid":7,"uptimeSeconds":3723.5,"producers":[
            {"segment":"a","process":"one","pid":1,"uid":5,"lanes":2,"fill":0.9,"delivered":100,"dropped":3,"ended":false,"quarantined":false},
            {"segment":"b","process":"two","pid":2,"uid":5,"lanes":1,"fill":0.1,"delivered":900,"dropped":0,"ended":true,"quarantined":true}]})")
              .as_object(),
          Samples(metrics)};
}

const boost::json::object kAgents = boost::json::parse(R"({"agents":[
    {"agentId":"Ada","executions":10,"successRate":0.5,"successRate95":[0.2,0.8],"latencyMs":{"p50":5.0,"p95":90.0},"chosen":3},
    {"agentId":"bob","executions":20,"successRate":0.25,"successRate95":[0.1,0.4],"latencyMs":{"p50":7.0,"p95":null},"chosen":1},
    {"agentId":"Cay","executions":15,"successRate":null,"successRate95":null,"latencyMs":{"p50":1.0,"p95":10.0},"chosen":0}]})")
                                        .as_object();

std::vector<std::string> names(const Table& table, const Order& order) {
  std::vector<std::string> all;
  for (const top::Row* row : chosen(table, order)) all.push_back(row->back().text);
  return all;
}

}  // namespace

TEST_CASE("samples are read with their labels, and what is no sample is not") {
  const Samples s("# HELP a words\na 1\na{x=\"1\"} 2.5\na{x=\"2\"} 3\nab 100\nnonsense\nb x\n\nlast 1e3");
  CHECK(s.of("a") == 1);
  CHECK(s.of("a{x=\"1\"}") == 2.5);
  CHECK(s.sum("a") == 6.5);
  CHECK(s.of("b") == 0);
  CHECK(s.of("last") == 1000);
  CHECK(s.all().size() == 5);
}

TEST_CASE("a rate is what has grown over the time between; a counter that starts anew is no rate") {
  const Look before = look(10s, "c 100"), after = look(14s, "c 180"), anew = look(14s, "c 3");
  const auto of = [](const Samples& s) { return s.of("c"); };
  CHECK(rate(before, after, of) == 20);
  CHECK(rate(before, anew, of) == 0);
  CHECK(rate(before, before, of) == 0);
}

TEST_CASE("a quantile is of what came between the two looks") {
  const auto histogram = [](int a, int b, int c) {
    return Samples("h_bucket{le=\"0.001\"} " + std::to_string(a) + "\nh_bucket{le=\"0.5\"} " + std::to_string(b) +
                   "\nh_bucket{le=\"+Inf\"} " + std::to_string(c) + "\n");
  };
  CHECK(quantile(histogram(1000, 1000, 1000), histogram(1098, 1099, 1100), "h", 0.98) == 0.001);
  CHECK(quantile(histogram(1000, 1000, 1000), histogram(1098, 1099, 1100), "h", 0.99) == 0.5);
  CHECK(quantile(histogram(5, 5, 5), histogram(5, 5, 5), "h", 0.99) == std::nullopt);
  CHECK(quantile(Samples(), Samples(), "h", 0.99) == std::nullopt);
}

TEST_CASE("agents are sorted by any column, what is not known last, and filtered by their names whatever the case") {
  const Table table = agents_table(kAgents);
  CHECK(names(table, {}) == std::vector<std::string>{"bob", "Cay", "Ada"});
  CHECK(names(table, {.falling = false}) == std::vector<std::string>{"Ada", "Cay", "bob"});
  CHECK(names(table, {.sorted_by = 1}) == std::vector<std::string>{"Ada", "bob", "Cay"});
  CHECK(names(table, {.sorted_by = 4}) == std::vector<std::string>{"Ada", "Cay", "bob"});
  CHECK(names(table, {.sorted_by = 4, .falling = false}) == std::vector<std::string>{"Cay", "Ada", "bob"});
  CHECK(names(table, {.filter = "a"}) == std::vector<std::string>{"Cay", "Ada"});
  CHECK(names(table, {.filter = "ADA"}) == std::vector<std::string>{"Ada"});
  CHECK(names(table, {.filter = "x"}).empty());
}

TEST_CASE("producers have the rate between two looks, and what is wrong is coloured") {
  const boost::json::object now = look(1s, "").status;
  boost::json::object before = now;
  before["producers"].as_array()[0].as_object()["delivered"] = 60;
  const Table table = producers_table(now, &before, 4);
  REQUIRE(table.rows.size() == 2);
  CHECK(table.rows[0][1].text == "10");
  CHECK(table.rows[0][0].colour == Colour::bad);
  CHECK(table.rows[0][4].colour == Colour::bad);
  CHECK(table.rows[1][1].text == "0");
  CHECK(table.rows[1].back().text == "two (ended) (quarantined)");
  CHECK(producers_table(now, nullptr, 0).rows[0][1].text == "-");
  CHECK(producers_table({}, nullptr, 0).rows.empty());
}

TEST_CASE("every line fits, at every size, whatever is in it") {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  Shown shown;
  shown.before = look(10s, "");
  shown.now = look(12s, "arbiter_events_recorded_total{type=\"task-start\"} 24690\narbiter_events_dropped_total{reason=\"no_lane\"} 4");
  shown.agents = kAgents;
  shown.agents["agents"].as_array()[0].as_object()["agentId"] =
      "\xe5\xb7\xa5\xe5\x85\xb7 \x1b[2J\xff and a name that goes on and on and on";
  for (const bool help : {false, true})
    for (int columns = 1; columns <= 140; ++columns)
      for (const int rows : {1, 9, 10, 24, 60}) {
        shown.help = help;
        shown.typing = columns % 2 == 0 ? std::optional<std::string>("x") : std::nullopt;
        const auto lines = plain(view(shown, columns, rows));
        CHECK(static_cast<int>(lines.size()) <= rows);
        for (const std::string& line : lines) {
          CHECK(fitted(line, columns).starts_with(line));
          CHECK(line.find('\x1b') == std::string::npos);
        }
      }
  shown.help = false, shown.typing.reset();
  const auto lines = plain(view(shown, 80, 24));
  CHECK(lines[0].starts_with("arbiter 1  pid 7  up 1:02:03"));
  CHECK(lines[1].starts_with("ok: well"));
  CHECK(lines[2].starts_with("events   12.3k/s   decisions 0   starts 12.3k"));
  CHECK(lines[3].starts_with("lost     2/s   dropped 4"));
  CHECK(lines[6].starts_with("agents in the last 5m: 3"));
}

TEST_CASE("anomalies have a line of their own while there is one open") {
  Shown shown;
  shown.now = look(12s, "arbiter_anomalies_open{type=\"error_rate_increase\"} 0\narbiter_anomalies_open{type=\"latency_spike\"} 0");
  CHECK(plain(view(shown, 80, 24))[4].starts_with("lanes"));
  shown.now = look(12s, "arbiter_anomalies_open{type=\"error_rate_increase\"} 2\narbiter_anomalies_open{type=\"latency_spike\"} 0");
  CHECK(plain(view(shown, 80, 24))[4].starts_with("anomaly  error_rate_increase 2   arbiterctl anomalies says more"));
}

TEST_CASE("what is wrong is said to its end, over several lines: there it says what to do") {
  Shown shown;
  shown.now = look(12s, "");
  shown.now->status["health"] = "blocked";
  shown.now->status["explanation"] = "the journal cannot be written (No space left on device): make room on the disk of /var/lib/arbiter";
  auto lines = plain(view(shown, 60, 24));
  CHECK(lines[1].starts_with("blocked: the journal cannot be written (No space left on"));
  CHECK(lines[2].starts_with("device): make room on the disk of /var/lib/arbiter "));
  CHECK(lines[3].starts_with("events"));
  shown.trouble = "/run/arbiter/control.sock: Connection refused: start arbiter-collector, or name the socket";
  lines = plain(view(shown, 60, 24));
  CHECK(lines[1].starts_with("/run/arbiter/control.sock: Connection refused: start"));
  CHECK(lines[2].starts_with("arbiter-collector, or name the socket "));
}

TEST_CASE("text is cut to columns of the terminal, not to bytes") {
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CHECK(fitted("ab", 4) == "ab  ");
  CHECK(fitted("ab", 4, true) == "  ab");
  CHECK(fitted("abcdef", 4) == "abcd");
  CHECK(fitted("\xc3\xa4\xc3\xb6\xc3\xbc", 2) == "\xc3\xa4\xc3\xb6");
  CHECK(fitted("\xe5\xb7\xa5\xe5\x85\xb7", 3) == "\xe5\xb7\xa5 ");  // two columns each
  CHECK(fitted("\xff\xc3", 3) == "?? ");
}

TEST_CASE("numbers are short and keep three digits") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(2.5) == "2.5");
  CHECK(short_number(999) == "999");
  CHECK(short_number(1234) == "1.23k");
  CHECK(short_number(12'345) == "12.3k");
  CHECK(short_number(999'999) == "1.00M");
  CHECK(bytes(1536) == "1.5 KiB");
  CHECK(seconds(0.0025) == "2.5 ms");
}

TEST_CASE("keys do what the help says") {
  Shown shown;
  const auto keys = [&](std::initializer_list<int> list) {
    bool on = true;
    for (const int key : list) on = press(shown, key, 24);
    return on;
  };
  CHECK(keys({'s'}));
  CHECK(shown.orders[kAgentsTable].sorted_by == 1);
  keys({'S', 'S'});
  CHECK(shown.orders[kAgentsTable].sorted_by == 6);
  CHECK_FALSE(shown.orders[kAgentsTable].falling);
  keys({'r', kTab, 's'});
  CHECK(shown.orders[kAgentsTable].falling);
  CHECK(shown.orders[kProducersTable].sorted_by == 1);
  keys({'/', 'q', 'x', 0xc3, 0xa4, kBackspace});
  CHECK(shown.orders[kProducersTable].filter == "qx");
  keys({kEnter});
  CHECK_FALSE(shown.typing.has_value());
  keys({kEscape});
  CHECK(shown.orders[kProducersTable].filter.empty());
  keys({'w', 'w', 'w', 'w'});
  CHECK(shown.window == "5m");
  keys({'+', '+', '+', '+'});
  CHECK(shown.every_seconds == kEverySecondsMin);
  keys({kDown, kDown, kUp});
  CHECK(shown.orders[kProducersTable].first == 1);
  keys({'?'});
  CHECK(shown.help);
  keys({'r'});
  CHECK_FALSE(shown.help);
  CHECK_FALSE(keys({'q'}));
  CHECK_FALSE(keys({3}));
}
