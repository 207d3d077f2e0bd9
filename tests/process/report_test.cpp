// A report: the same figures as the answers it is made of, in text, as JSON, and as a page that needs nothing but itself, which is opened
// in a real browser.
#include <doctest/doctest.h>

#include <set>

#include "tests/process/harness.hpp"

namespace arbiter::test {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;
constexpr const char* kForeign = R"(</script><b>bold & "q")";  // the name of an agent

// A line of a file of agent runs.
std::string run(std::int64_t time_ns, int n, std::string_view agent, bool success, int ms) {
  const std::int64_t completed = time_ns / 1'000'000;
  return json::serialize(json::object{{"run_id", "run-" + std::to_string(n)},
                                      {"task_id", "task-" + std::to_string(n)},
                                      {"task_family", n % 2 == 0 ? "fix" : "review"},
                                      {"agent_id", agent},
                                      {"started_at_ms", completed - ms},
                                      {"completed_at_ms", completed},
                                      {"score", success ? 1.0 : 0.0},
                                      {"success", success},
                                      {"error", success ? json::value(nullptr) : json::value("timeout")}}) +
         "\n";
}

// An hour of three agents, of which one then fails all at once.
std::string hour_with_trouble() {
  std::string lines;
  const std::int64_t now = now_ns();
  int n = 0;
  for (int i = 0; i < 1200; ++i)
    for (const char* agent : {"agent-7", "agent-8", kForeign})
      lines += run(now - 70 * kMinuteNs + i * kMinuteNs / 20, ++n, agent, i % 10 != 0, 100 + i % 50);
  for (int i = 0; i < 200; ++i) lines += run(now, ++n, "agent-7", false, 400);
  return lines;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// The browser's picture of the page once its scripts have run; what it asked the network for goes into `log`. No name is resolved for it.
Ran browse(Place& place, const fs::path& page, const fs::path& log) {
  const std::string profile = (place.root() / "browser").string();
  return place.shell(
      "timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking "
      "--disable-component-update --disable-sync --no-first-run --host-resolver-rules='MAP * ~NOTFOUND, EXCLUDE 127.0.0.1' "
      "--user-data-dir=" +
      profile + " --log-net-log=" + log.string() + " --virtual-time-budget=5000 --window-size=1200,900 --dump-dom file://" + page.string());
}

// Hosts that were asked for in it, but for those of the browser's maker, whom it asks for news of itself whatever the page.
std::set<std::string> hosts_asked(const fs::path& log) {
  std::set<std::string> hosts;
  const std::string text = read_file(log);
  constexpr std::string_view kUrl = "\"url\":\"";
  for (std::size_t at = text.find(kUrl); at != text.npos; at = text.find(kUrl, at + 1)) {
    const std::string_view url = std::string_view(text).substr(at + kUrl.size(), 2000);
    const std::size_t scheme = url.find("://"), end = url.find_first_of("/:\"", scheme == url.npos ? scheme : scheme + 3);
    if (!(url.starts_with("http") || url.starts_with("ws")) || scheme == url.npos || end == url.npos) continue;
    const std::string host(url.substr(scheme + 3, end - scheme - 3));
    const auto of = [&host](std::string_view domain) { return host.ends_with(domain); };
    if (!of(".google.com") && !of(".googleapis.com") && !of(".gvt1.com")) hosts.insert(host);
  }
  return hosts;
}

}  // namespace

TEST_CASE("a report has the figures of the window, in text and as JSON") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("hour.jsonl", hour_with_trouble()));
  const json::object stats = collector.ask({"stats", "--window", "24h"}).as_object();
  const json::object report = collector.ask({"report", "--window", "24h"}).as_object();
  CHECK(report.at("window") == "24h");
  CHECK(report.at("everybody").at("executions") == stats.at("executions"));
  CHECK(report.at("everybody").at("latencyMs") == stats.at("latencyMs"));
  CHECK(report.at("everybody").at("history").as_array().size() >= 5);
  REQUIRE(report.at("agents").as_array().size() == 3);
  CHECK(report.at("agents").at(0).at("agentId") == "agent-7");
  CHECK(report.at("agents").at(0).at("executions") == 1400);
  CHECK(report.at("agents").at(0).at("successes") == 1080);
  CHECK(collector.ask({"report", "--format", "json"}).at("window") == "7d");
  const Ran text = collector.ctl({"report", "--window", "24h"});
  CHECK(text.exit == 0);
  CHECK(text.out.find("3,240 of 3,800") != text.out.npos);
  CHECK(text.out.find("agent-8") != text.out.npos);
  CHECK(collector.ctl({"report", "--format", "pdf"}).exit == 2);
  CHECK(collector.ctl({"report", "--window", "retained", "--format", "html"}).out.find("Agents over all that is retained") !=
        std::string::npos);
}

TEST_CASE("without the script of the plots a page has its tables all the same") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("hour.jsonl", hour_with_trouble()));
  collector.ask({"stats", "--window", "24h"});             // waits for what is on its way
  const fs::path alone = place.root() / "bin/arbiterctl";  // as after a build without npm: nothing in ../share
  fs::create_directory(alone.parent_path());
  fs::copy_file(fs::path(ARBITER_BIN_DIR) / "arbiterctl", alone);
  const Ran html = place.shell(alone.string() + " --socket " + place.socket().string() + " report --window 24h --format html");
  REQUIRE_MESSAGE(html.exit == 0, html.err);
  CHECK(html.out.find("<script>") == html.out.npos);
  CHECK(html.out.find("<table") != html.out.npos);
  CHECK(html.out.find("85.3 %") != html.out.npos);
}

TEST_CASE("a page draws its figures in a real browser, and fetches nothing") {
  Place place;
  Collector collector(place, plain_config());
  place.replay(place.write("hour.jsonl", hour_with_trouble()));
  const auto open = [&] { return !collector.ask({"anomalies", "--open", "--kind", "error_rate_increase"}).at("open").as_array().empty(); };
  REQUIRE(wait_until(open, 30s * kPatience));
  const Ran html = collector.ctl({"report", "--window", "24h", "--format", "html"});
  REQUIRE(html.exit == 0);
  CHECK(html.out.find("85.3 %") != html.out.npos);  // 3,240 of 3,800
  CHECK(html.out.find("error rate increase: agent-7") != html.out.npos);
  CHECK(html.out.find("&lt;/script&gt;&lt;b&gt;bold &amp; &quot;q&quot;") != html.out.npos);
  CHECK(html.out.find("<b>bold") == html.out.npos);
  for (const char* fetching : {"src=", "@import", "<link rel=\"stylesheet\"", "url("}) {
    CAPTURE(std::string(fetching));
    CHECK(html.out.substr(0, html.out.find("<script>")).find(fetching) == html.out.npos);
  }
  if (html.out.find("<script>") == html.out.npos) return not_run("the plots of a report", "it was built without npm");
  if (place.shell("command -v chromium").exit != 0) return not_run("the plots of a report", "there is no chromium");

  const fs::path log = place.root() / "net.json";
  const Ran seen = browse(place, place.write("report.html", html.out), log);
  REQUIRE_MESSAGE(seen.exit == 0, seen.err);
  for (const char* plot : {"Success rate over time", "Latency quantiles over time", "Success rate of each agent",
                           "Latency quantiles of each agent", "Anomalies on the time line"}) {
    CAPTURE(std::string(plot));
    const auto at = seen.out.find("aria-label=\"" + std::string(plot));
    REQUIRE(at != seen.out.npos);
    const std::string_view drawn = std::string_view(seen.out).substr(at, seen.out.find("</svg>", at) - at);
    CHECK(count_of(drawn, "<path") + count_of(drawn, "<circle") + count_of(drawn, "<rect") >= 2);
    CHECK(drawn.find("NaN") == drawn.npos);
  }
  const auto agents = seen.out.find("aria-label=\"Success rate of each agent");
  CHECK(count_of(std::string_view(seen.out).substr(agents, seen.out.find("</svg>", agents) - agents), "<circle") == 3);
  CHECK(hosts_asked(log).empty());
  const fs::path fetching = place.write("fetching.html", R"(<img src="http://127.0.0.1:9/x">)");  // that the log would tell
  REQUIRE(browse(place, fetching, log).exit == 0);
  CHECK(hosts_asked(log) == std::set<std::string>{"127.0.0.1"});
}

}  // namespace arbiter::test
