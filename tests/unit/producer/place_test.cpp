// Where a producer looks for the lanes.
#include "producer/place.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/unit/producer/in_child.hpp"
#include "tests/unit/shm/own_directory.hpp"

using namespace arbiter;
using producer::Places;
using producer::places;
using test::OwnDirectory;

namespace {

namespace fs = std::filesystem;

// The variable as given for as long as this lives.
class Variable {
 public:
  Variable(const char* name, std::optional<std::string> value) : name_(name) {
    if (const char* const now = getenv(name)) before_ = now;
    set(value);
  }
  ~Variable() { set(before_); }

 private:
  void set(const std::optional<std::string>& value) { value ? setenv(name_, value->c_str(), 1) : unsetenv(name_); }
  const char* name_;
  std::optional<std::string> before_;
};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

struct Fixture {
  Variable no_ring_dir{"ARBITER_RING_DIR", std::nullopt};
  Variable no_disable{"ARBITER_DISABLE", std::nullopt};
  OwnDirectory directory;
  producer::Problem problem;
  const producer::Place* find(const Places& p) { return producer::find_lanes(p, problem); }
  std::string below(const std::string& name) { return directory.lanes() + "/" + name; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the option comes before the environment, and the environment before the defaults") {
  const Variable ring_dir("ARBITER_RING_DIR", below("of-environment"));
  CHECK(places({.ring_dir = below("of-option")}).named.lanes == below("of-option"));
  CHECK(places({}).named.lanes == below("of-environment"));
  const Variable without("ARBITER_RING_DIR", std::nullopt);
  CHECK(places({}).named.lanes.empty());
  CHECK(places({}).system.lanes == "/run/arbiter/lanes");
}

TEST_CASE_FIXTURE(Fixture, "a directory that was named is made, with its parents, for its user alone") {
  const Places p = places({.ring_dir = below("a/b/lanes")});
  CHECK(find(p) == &p.named);
  CHECK(mode_of(below("a")) == 0700);
  CHECK(mode_of(below("a/b/lanes")) == 0700);
}

TEST_CASE_FIXTURE(Fixture, "a directory that is there keeps its mode") {
  fs::create_directory(below("lanes"));
  REQUIRE(chmod(below("lanes").c_str(), 03733) == 0);
  const Places p = places({.ring_dir = below("lanes")});
  CHECK(find(p) == &p.named);
  CHECK(mode_of(below("lanes")) == 03733);
}

TEST_CASE_FIXTURE(Fixture, "a name that is a file's is no directory, and the error says so") {
  std::ofstream(below("file")) << "x";
  CHECK(find(places({.ring_dir = below("file/lanes")})) == nullptr);
  CHECK(problem.text() == "making " + below("file/lanes") + ": " + below("file") + ": Not a directory");
}

TEST_CASE_FIXTURE(Fixture, "a relative name is taken from where the process was, and slashes at the end go") {
  const Places p = places({.ring_dir = "some/lanes//"});
  CHECK(p.named.lanes == fs::current_path().string() + "/some/lanes");
}

TEST_CASE_FIXTURE(Fixture,
                  "where the working directory is gone a relative name stays one: it is not made, and nothing else is taken for it") {
  fs::create_directory(below("gone"));
  CHECK(test::in_child([&] {
          if (chdir(below("gone").c_str()) != 0 || rmdir(below("gone").c_str()) != 0) return 1;
          const Places p = places({.ring_dir = "some/lanes/"});
          if (p.named.lanes != "some/lanes") return 2;
          return find(p) == nullptr && problem.text() == "making some/lanes: some: No such file or directory" ? 0 : 3;
        }) == 0);
}

TEST_CASE_FIXTURE(Fixture, "the private place is in XDG_RUNTIME_DIR, else in /dev/shm") {
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  CHECK(places({}).own.lanes == below("runtime/arbiter/lanes"));
  const Variable relative("XDG_RUNTIME_DIR", "runtime");  // not a place, by its specification
  CHECK(places({}).own.lanes == "/dev/shm/arbiter-" + std::to_string(geteuid()) + "/lanes");
  const Variable none("XDG_RUNTIME_DIR", std::nullopt);
  CHECK(places({}).own.lanes == "/dev/shm/arbiter-" + std::to_string(geteuid()) + "/lanes");
}

TEST_CASE_FIXTURE(Fixture, "an instance has places of its own") {
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  CHECK(places({.instance = "blue"}).system.lanes == "/run/arbiter-blue/lanes");
  CHECK(places({.instance = "blue"}).own.lanes == below("runtime/arbiter-blue/lanes"));
  const Variable none("XDG_RUNTIME_DIR", std::nullopt);
  CHECK(places({.instance = "blue"}).own.lanes == "/dev/shm/arbiter-" + std::to_string(geteuid()) + "-blue/lanes");
}

TEST_CASE_FIXTURE(Fixture, "an instance's name cannot lead anywhere else") {
  for (const char* name : {"a/b", "..", ".", "with space"}) {
    CHECK(find(places({.instance = name})) == nullptr);
    CHECK(problem.text().starts_with("instance '"));
  }
}

TEST_CASE_FIXTURE(Fixture, "an instance's name has up to 64 characters") {
  CHECK(places({.instance = std::string(64, 'i')}).system.lanes == "/run/arbiter-" + std::string(64, 'i') + "/lanes");
  CHECK(places({.instance = std::string(65, 'i')}).wrong ==
        "instance '" + std::string(64, 'i') + "': a name is up to 64 letters, digits, '-', '_' and '.'");
}

TEST_CASE_FIXTURE(Fixture, "a doorbell is an address as long as its name leaves room for the zero behind it: else there is none") {
  const std::size_t fits = sizeof(sockaddr_un::sun_path) - 1 - std::string_view("/.doorbell").size();
  const producer::Place with("/" + std::string(fits, 'd'));
  CHECK(with.has_doorbell);
  CHECK(std::string(with.doorbell.sun_path) == "/" + std::string(fits, 'd') + ".doorbell");
  const producer::Place without("/" + std::string(fits + 1, 'd'));
  CHECK_FALSE(without.has_doorbell);
  CHECK(without.doorbell.sun_path[0] == '\0');
}

TEST_CASE_FIXTURE(Fixture, "the root is a directory like others, and keeps its slash") {
  const Places p = places({.ring_dir = "//"});
  CHECK(p.named.lanes == "/");
  CHECK(find(p) == &p.named);
}

TEST_CASE_FIXTURE(Fixture, "a name that no file can have is said to be in the way, with the system's word for it") {
  const std::string part(300, 'x');
  CHECK(find(places({.ring_dir = below(part + "/lanes")})) == nullptr);
  CHECK(problem.text() == "making " + below(part + "/lanes") + ": " + below(part) + ": File name too long");
}

TEST_CASE("a code that the system has no words for is an unknown error") {
  CHECK(producer::Problem::of(ENOSPC) == "No space left on device");
  CHECK(producer::Problem::of(99'999) == "unknown error");
}

TEST_CASE_FIXTURE(Fixture, "places are the same if all of them are, and so is what is wrong with them") {
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  const Places p = places({.instance = "blue"});
  CHECK(places({.instance = "blue"}) == p);
  CHECK_FALSE(places({.instance = "green"}) == p);
  CHECK_FALSE(places({.ring_dir = below("lanes")}) == p);
  CHECK_FALSE(places({.instance = "a/b"}) == places({.instance = "b/a"}));
  {
    const Variable elsewhere("XDG_RUNTIME_DIR", below("elsewhere"));
    CHECK_FALSE(places({.instance = "blue"}) == p);
  }
  const Variable disabled("ARBITER_DISABLE", "1");
  CHECK_FALSE(places({.instance = "blue"}) == p);
}

TEST_CASE_FIXTURE(Fixture, "the private place serves once it exists and is its own; it is not made") {
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  // A name of its own, so that a collector of this machine does not answer for the test.
  const Places p = places({.instance = "place-test"});
  CHECK(find(p) == nullptr);
  CHECK_FALSE(fs::exists(below("runtime")));
  fs::create_directories(p.own.lanes);
  CHECK(find(p) == &p.own);
}

TEST_CASE_FIXTURE(Fixture, "a link to a directory is not one's own place") {
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  const Places p = places({.instance = "place-test"});
  fs::create_directories(below("elsewhere/lanes"));
  fs::create_directory(below("runtime"));
  fs::create_directory_symlink(below("elsewhere"), below("runtime/arbiter-place-test"));
  CHECK(find(p) == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "another user's directory is not one's own place") {
  if (geteuid() != 0) {
    MESSAGE("not run: needs root, to make a directory of another user");
    return;
  }
  const Variable runtime("XDG_RUNTIME_DIR", below("runtime"));
  const Places p = places({.instance = "place-test"});
  fs::create_directories(p.own.lanes);
  REQUIRE(chown(p.own.lanes.c_str(), 65'534, 65'534) == 0);
  CHECK(find(p) == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "the system's place serves whoever may write there, and nobody else") {
  if (geteuid() != 0) {
    MESSAGE("not run: needs root, to become another user");
    return;
  }
  Places p;
  p.system = producer::Place(below("lanes"));
  p.own = producer::Place(below("none/lanes"));
  fs::create_directory(p.system.lanes);
  REQUIRE(chmod(fs::path(directory.lanes()).parent_path().c_str(), 0711) == 0);
  REQUIRE(chmod(directory.lanes().c_str(), 0711) == 0);
  CHECK(find(p) == &p.system);
  const auto found_by_nobody = [&] {
    return test::in_child([&] { return setgid(65'534) != 0 || setuid(65'534) != 0 ? 2 : find(p) != nullptr ? 0 : 1; });
  };
  REQUIRE(chmod(p.system.lanes.c_str(), 0755) == 0);
  CHECK(found_by_nobody() == 1);
  REQUIRE(chmod(p.system.lanes.c_str(), 03733) == 0);
  CHECK(found_by_nobody() == 0);
  fs::remove(p.system.lanes);
  std::ofstream(p.system.lanes) << "no directory";
  REQUIRE(chmod(p.system.lanes.c_str(), 0777) == 0);
  CHECK(find(p) == nullptr);
}
