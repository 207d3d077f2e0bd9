// Whose directory the collector takes lanes from. In a place that anybody may write to, the name may be somebody else's already.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "collector/ingest/lanes.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;

namespace {

constexpr uid_t kOther = 65'534;

std::string refusal(const std::string& ring_dir) {
  const auto lanes = ingest::Lanes::open(ring_dir, false, 10);
  return lanes ? std::string() : lanes.error().message;
}

}  // namespace

TEST_CASE("a lanes directory of another user is refused, and so is one in a directory of another user") {
  const test::OwnDirectory dir;
  const std::string parent = std::filesystem::path(dir.lanes()).parent_path();
  CHECK(refusal(dir.lanes()).empty());
  if (geteuid() != 0) {
    MESSAGE("not run: ingest_owner: giving directories to another user takes root");
    return;
  }
  REQUIRE(chown(dir.lanes().c_str(), kOther, kOther) == 0);
  CHECK(refusal(dir.lanes()) == "directory " + dir.lanes() + " belongs to user 65534");
  REQUIRE(chown(dir.lanes().c_str(), 0, 0) == 0);
  REQUIRE(chown(parent.c_str(), kOther, kOther) == 0);
  CHECK(refusal(dir.lanes()) == "directory " + parent + " belongs to user 65534");
  CHECK(refusal(parent + "/new") == "directory " + parent + " belongs to user 65534");
  CHECK_FALSE(std::filesystem::exists(parent + "/new"));
}
