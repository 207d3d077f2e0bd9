// The shipped schema of events follows from the table. ARBITER_WRITE_FILES=1 writes it anew instead of comparing.
#include "collector/snapshot/json_schema.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "collector/snapshot/pretty_json.hpp"

using namespace arbiter;

TEST_CASE("config/schemas/event.schema.json is the schema of the table") {
  const std::string path = std::string(ARBITER_CONFIG_DIR) + "/schemas/event.schema.json",
                    wanted = snapshot::pretty_json(snapshot::event_schema());
  if (std::getenv("ARBITER_WRITE_FILES") != nullptr) std::ofstream(path, std::ios::binary) << wanted;
  std::ifstream in(path, std::ios::binary);
  const std::string found(std::istreambuf_iterator<char>(in), {});
  INFO(path << " no longer follows from the table: ARBITER_WRITE_FILES=1 and this test write it anew");
  CHECK((found == wanted));
}
