// The shipped files follow from the table. ARBITER_WRITE_FILES=1 writes them anew instead of comparing.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "collector/config/load.hpp"
#include "collector/config/print.hpp"

using namespace arbiter::config;

namespace {

void check_file(const std::string& name, const std::string& wanted) {
  const std::string path = std::string(ARBITER_CONFIG_DIR) + "/" + name;
  if (std::getenv("ARBITER_WRITE_FILES") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  std::ifstream in(path, std::ios::binary);
  const std::string found(std::istreambuf_iterator<char>(in), {});
  INFO(path << " no longer follows from the table: ARBITER_WRITE_FILES=1 and this test write it anew");
  CHECK((found == wanted));
}

}  // namespace

TEST_CASE("config/collector.json is every key with its default, as the table has them") {
  check_file("collector.json", documented(Config{}));
  CHECK(parse(documented(Config{}), "collector.json").has_value());
}

TEST_CASE("config/collector.schema.json is the schema of the table") { check_file("collector.schema.json", schema()); }
