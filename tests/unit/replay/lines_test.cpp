#include "tools/arbiter-replay/lines.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace arbiter::replay {
namespace {

struct TemporaryFile {
  explicit TemporaryFile(const std::string& bytes) {
    std::string name = std::filesystem::temp_directory_path() / "arbiter-lines.XXXXXX";
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    path = name;
    std::ofstream("/dev/fd/" + std::to_string(fd), std::ios::binary) << bytes;
    ::close(fd);
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::string path;
};

std::string compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

struct Read {
  std::vector<std::string> lines;
  std::vector<std::uint64_t> numbers;
  std::string error;
};
Read read(const std::string& path) {
  Read all;
  auto lines = Lines::open(path);
  if (!lines) return {{}, {}, lines.error().message};
  for (;;) {
    const auto more = lines->next();
    if (!more) all.error = more.error().message;
    if (!more || !*more) return all;
    CHECK(lines->index() == all.lines.size());
    all.lines.emplace_back(lines->line());
    all.numbers.push_back(lines->number());
  }
}

}  // namespace

TEST_CASE("lines come without their ends, blank ones are counted and left out, the last may lack its newline") {
  const std::string text = "one\n\n  \ntwo\r\nthree";
  for (const std::string& bytes : {text, compressed(text)}) {
    const TemporaryFile file(bytes);
    const Read all = read(file.path);
    CHECK(all.lines == std::vector<std::string>{"one", "two", "three"});
    CHECK(all.numbers == std::vector<std::uint64_t>{1, 4, 5});
    CHECK(all.error.empty());
  }
}

TEST_CASE("lines longer than what is read at once are whole, and several zstd frames are one file") {
  const std::string a(700'000, 'a'), b(300'000, 'b');
  const TemporaryFile plain(a + "\n" + b + "\n"), zstd(compressed(a + "\n" + b.substr(0, 5)) + compressed(b.substr(5) + "\n"));
  CHECK(read(plain.path).lines == std::vector<std::string>{a, b});
  CHECK(read(zstd.path).lines == std::vector<std::string>{a, b});
}

TEST_CASE("an empty file has no lines, a missing one and a damaged one are errors that name them") {
  const TemporaryFile empty("");
  CHECK(read(empty.path).lines.empty());
  CHECK(read(empty.path).error.empty());
  CHECK(read("/no/such/file").error == "cannot open /no/such/file: No such file or directory");
  std::string half = compressed(std::string(100'000, 'x') + "\nabcdefgh\n");
  half.resize(half.size() - 5);
  const TemporaryFile cut(half);
  CHECK(read(cut.path).error == cut.path + ": ends in the middle of its zstd frame: it is not complete");
}

}  // namespace arbiter::replay
