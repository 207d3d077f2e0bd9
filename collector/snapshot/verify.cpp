#include "collector/snapshot/verify.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "collector/crypt/stream.hpp"
#include "collector/journal/file.hpp"
#include "collector/snapshot/chain.hpp"
#include "collector/snapshot/decrypt.hpp"
#include "collector/snapshot/format.hpp"
#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/sha256.hpp"
#include "collector/snapshot/verify_manifest.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kSmallFileBytesMax = 16 << 20;  // manifest and sums: more is none of ours
constexpr std::string_view kAgain = "export again";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// A file of the directory: never a link, never anything but a regular file.
struct Opened {
  Descriptor fd;
  std::uint64_t bytes;
};
Result<Opened> open_file(int directory, const std::string& name) {
  Descriptor fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat about;
  if (fd.get() < 0) {
    if (errno == ELOOP) return Error{name + ": is a symbolic link, not a file of the snapshot: " + std::string(kAgain), ELOOP};
    return system_error(name);
  }
  if (::fstat(fd.get(), &about) != 0) return system_error(name);
  if (!S_ISREG(about.st_mode)) return Error{name + ": is not a regular file: " + std::string(kAgain)};
  return Opened{std::move(fd), static_cast<std::uint64_t>(about.st_size)};
}

using Text = Result<std::string>;

Text read_small(int directory, const std::string& name) {
  const auto file = open_file(directory, name);
  if (!file) return file.error();
  if (file->bytes > kSmallFileBytesMax) return Error{name + ": is larger than any such file: " + std::string(kAgain)};
  std::string text(file->bytes, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::pread(file->fd.get(), text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(name);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return {boost::system::in_place_value, std::move(text)};
}

Text sha256_of(int fd, std::uint64_t& bytes) {
  Sha256 sum;
  std::string buffer(256 << 10, '\0');
  bytes = 0;
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("reading");
    if (got == 0) return {boost::system::in_place_value, sum.hex()};
    sum.add({buffer.data(), static_cast<std::size_t>(got)});
    bytes += static_cast<std::uint64_t>(got);
  }
}

class Verifier {
 public:
  Verifier(int directory, Claims claims, const crypt::Keyring& keys) : directory_(directory), claims_(std::move(claims)), keys_(keys) {
    report_.snapshot = claims_.snapshot;
    report_.chain = claims_.chain;
  }

  VerifyReport run(const std::string& path, std::string_view manifest_text) {
    for (const FileInfo& file : claims_.files) check_file(file);
    check_together();
    check_sums(manifest_text);
    check_names(path);
    check_data_files();
    return std::move(report_);
  }

 private:
  void problem(const std::string& what) {
    if (report_.problems.size() < VerifyReport::kProblemsMax)
      report_.problems.push_back(what);
    else if (report_.problems.size() == VerifyReport::kProblemsMax)
      report_.problems.emplace_back("there are more problems than are shown: export again");
  }
  void problem(const std::string& name, std::string_view what) { problem(name + ": " + std::string(what) + ": " + std::string(kAgain)); }

  void check_file(const FileInfo& claimed) {
    const auto file = open_file(directory_, claimed.name);
    if (!file && file.error().code == ENOENT)
      if (const auto encrypted = open_file(directory_, encrypted_name(claimed.name))) return check_encrypted(claimed, *encrypted);
    if (!file) {
      if (file.error().code == ENOENT) return problem(claimed.name, "is named in the manifest and missing");
      return problem(file.error().message);
    }
    ++report_.files;
    if (file->bytes != claimed.bytes)
      return problem(claimed.name, "is of " + std::to_string(file->bytes) + " bytes, the manifest says " + std::to_string(claimed.bytes));
    std::uint64_t bytes = 0;
    const auto sha256 = sha256_of(file->fd.get(), bytes);
    report_.bytes += bytes;
    if (!sha256) return problem(sha256.error().while_(claimed.name).message);
    if (*sha256 != claimed.sha256) return problem(claimed.name, "SHA-256 differs from the manifest: the file was changed or damaged");
    check_rows(claimed, file->fd.get());
  }

  static std::string encrypted_name(const std::string& name) { return name + std::string(kEncryptedEnding); }

  void check_encrypted(const FileInfo& claimed, const Opened& file) {
    const std::string name = encrypted_name(claimed.name);
    ++report_.files;
    ++report_.encrypted;
    std::uint64_t bytes = 0;
    auto stored = sha256_of(file.fd.get(), bytes);
    report_.bytes += bytes;
    if (!stored) return problem(stored.error().while_(name).message);
    encrypted_[claimed.name] = std::move(*stored);
    if (file.bytes != crypt::encrypted_bytes(claimed.bytes)) return problem(name, "is not of the size that the manifest's makes");
    Sha256 sum;
    const journal::File again(::fcntl(file.fd.get(), F_DUPFD_CLOEXEC, 0));
    const auto read = decrypt_file(again, keys_, [&](std::string_view piece) {
      sum.add(piece);
      return Result<void>();
    });
    if (!read && read.error().code == ENOKEY) return;  // its sum is all that can be known
    if (!read) return problem(name, read.error().message);
    if (sum.hex() != claimed.sha256) problem(name, "what is in it has another SHA-256 than in the manifest");
  }

  // Its bytes are those that the manifest names: now what they say.
  void check_rows(const FileInfo& claimed, int fd) {
    const FormatInfo* format = find_format(claimed.format_name());
    if (format == nullptr) return;
    auto it = looked_at_.find(format->name);
    if (it == looked_at_.end()) it = looked_at_.emplace(format->name, LookedAt{format->check(claims_)}).first;
    LookedAt& its = it->second;
    std::uint64_t rows = 0;
    const auto wrong = its.check->file({fd, claimed}, rows);
    its.rows += rows;
    its.name = claimed.name;
    if (!wrong) return problem(wrong.error().while_(claimed.name).message);
    if (!wrong->empty()) return problem(claimed.name, *wrong);
    ++its.good;
    if (!claimed.rows || *claimed.rows != rows)
      its.miscounted.emplace_back(claimed.name, "the number of its rows, " + std::to_string(rows) + ", is not that of the manifest");
  }

  // The files of each format, once all have been looked into: what is wrong with one would be wrong with all.
  void check_together() {
    for (const FormatInfo& format : formats()) {
      const auto it = looked_at_.find(format.name);
      if (it == looked_at_.end()) continue;
      LookedAt& its = it->second;
      if (format.rows != Rows::places && reported_rows(format.rows) == 0) reported_rows(format.rows) = its.rows;
      const auto files = std::count_if(claims_.files.begin(), claims_.files.end(),
                                       [&](const FileInfo& file) { return file.format_name() == format.name; });
      if (its.good != static_cast<std::uint64_t>(files)) continue;
      const auto wrong = its.check->finish();
      const std::string name = files == 1 ? its.name : std::string(format.name) + ", all " + std::to_string(files) + " files";
      if (!wrong)
        problem(wrong.error().while_(name).message);
      else if (!wrong->empty())
        problem(name, *wrong);
      else  // said where nothing worse is wrong with them
        for (const auto& [file, what] : its.miscounted) problem(file, what);
    }
  }

  std::uint64_t& reported_rows(Rows rows) {
    if (rows == Rows::events) return report_.events;
    return rows == Rows::trajectories ? report_.trajectories : report_.decisions;
  }

  void check_sums(std::string_view manifest_text) {
    const std::string sums_name(kSumsName);
    std::map<std::string, std::string, std::less<>> expected;
    for (const FileInfo& file : claims_.files) {
      const auto encrypted = encrypted_.find(file.name);
      if (encrypted == encrypted_.end())
        expected[file.name] = file.sha256;
      else
        expected[encrypted_name(file.name)] = encrypted->second;
    }
    expected[std::string(kManifestName)] = report_.manifest_sha256 = Sha256::of(manifest_text);

    const auto sums = read_small(directory_, sums_name);
    if (!sums) return sums.error().code == ENOENT ? problem(sums_name, "is missing") : problem(sums.error().message);

    std::string_view left = *sums;
    while (!left.empty()) {
      const std::string_view line = left.substr(0, left.find('\n'));
      left.remove_prefix(std::min(left.size(), line.size() + 1));
      const std::string_view name = line.size() > 66 ? line.substr(66) : std::string_view();
      const auto it = expected.find(name);
      if (line.size() <= 66 || line.substr(64, 2) != "  " || it == expected.end())
        return problem(sums_name, "has a line that is none of a file of this snapshot, or its second");
      if (line.substr(0, 64) != it->second)
        return problem(sums_name, "its sum of " + std::string(name) +
                                      (name == kManifestName || name.ends_with(kEncryptedEnding) ? " is another than the file's"
                                                                                                 : " is another than the manifest's"));
      expected.erase(it);
    }
    for (const auto& [name, sum] : expected) problem(sums_name, "does not name " + name);
  }

  void check_names(const std::string& path) {
    const auto names = journal::list_directory(path);
    if (!names) return problem(names.error().message);
    for (const std::string& name : *names) {
      const bool known = name == "." || name == ".." || name == kManifestName || name == kSumsName ||
                         std::any_of(claims_.files.begin(), claims_.files.end(), [&](const FileInfo& file) {
                           return name == (encrypted_.contains(file.name) ? encrypted_name(file.name) : file.name);
                         });
      if (!known) problem(name + ": is not named in the manifest: it does not belong here, move it away");
    }
  }

  void check_data_files() {
    const auto has_data = [](const FileInfo& file) { return file.rows && file.name != kPlacesName && file.name != kRetainedName; };
    if (std::none_of(claims_.files.begin(), claims_.files.end(), has_data)) problem(std::string(kManifestName), "names no data file");
  }

  // The files of one format.
  struct LookedAt {
    std::unique_ptr<RowCheck> check;
    std::string name = {};  // of the latest
    std::uint64_t rows = 0, good = 0;
    std::vector<std::pair<std::string, std::string>> miscounted = {};  // file, what
  };

  int directory_;
  Claims claims_;
  const crypt::Keyring& keys_;
  std::map<std::string, std::string, std::less<>> encrypted_;  // name, SHA-256 as it lies there
  std::map<std::string_view, LookedAt> looked_at_;
  VerifyReport report_;
};

}  // namespace

Result<VerifyReport> verify(const std::string& path, const crypt::Keyring& keys) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return system_error(path);
  const auto manifest = read_small(directory.get(), std::string(kManifestName));
  if (!manifest) {
    if (manifest.error().code == ENOENT)
      return Error{path + ": has no " + std::string(kManifestName) + ": name the directory of a snapshot, such as exports/latest", ENOENT};
    return manifest.error().while_(path);
  }
  auto claims = read_claims(*manifest);
  if (!claims) return claims.error().while_(path);
  return Verifier(directory.get(), std::move(*claims), keys).run(path, *manifest);
}

std::vector<std::string> check_chain(std::span<const VerifyReport> snapshots) {
  std::vector<std::string> problems;
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    const VerifyReport& one = snapshots[i];
    const auto problem = [&](const std::string& what) { problems.push_back("snapshot " + std::to_string(one.snapshot) + ": " + what); };
    if (!one.chain.whole) {
      problem("does not have all events of its range: it is none of a chain");
    } else if (i == 0) {
      if (!one.chain.full()) problem("is an increment: the chain begins with a full snapshot, name that first");
    } else if (one.chain.full()) {
      problem("is a full one, and begins a chain of its own: name it first, without those before it");
    } else if (one.chain.from_cursor != snapshots[i - 1].chain.to_cursor) {
      problem("begins at " + one.chain.from_cursor + ", but snapshot " + std::to_string(snapshots[i - 1].snapshot) + " ends at " +
              snapshots[i - 1].chain.to_cursor + ": one is missing between them, or they are in the wrong order");
    } else if (!one.chain.predecessor_sha256.empty() && one.chain.predecessor_sha256 != snapshots[i - 1].manifest_sha256) {
      problem("follows another snapshot than " + std::to_string(snapshots[i - 1].snapshot) + ", of the same cursor: name that one");
    }
  }
  return problems;
}

}  // namespace arbiter::snapshot
