// What lies on disk is for the collector's own user, whatever the umask it was started with.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "harness.hpp"

using namespace arbiter::test;

TEST_CASE("everything in the state directory, the key included, is closed to other users") {
  Place place;
  const mode_t before = umask(0);
  Collector collector(place);
  umask(before);
  place.replay(place.sample(50));
  CHECK(collector.stats().at("totalTaskExecutions") == 50);
  CHECK(collector.stop() == 0);
  struct stat status {};
  REQUIRE(stat(place.state().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(place.state())) {
    REQUIRE(lstat(entry.path().c_str(), &status) == 0);
    INFO(entry.path().string());
    if (S_ISREG(status.st_mode)) CHECK((status.st_mode & 0077) == 0);
    files += S_ISREG(status.st_mode);
  }
  CHECK(files >= 3);  // the key, the lock, the journal
}
