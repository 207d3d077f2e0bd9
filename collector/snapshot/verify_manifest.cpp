#include "collector/snapshot/verify_manifest.hpp"

#include <boost/json/parse.hpp>
#include <charconv>
#include <limits>
#include <set>

#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/writers.hpp"

namespace arbiter::snapshot {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kNameBytesMax = 255;

// Reads members, and remembers the first that is not what it should be.
class Reader {
 public:
  const std::string& wrong() const { return wrong_; }

  const value* member(const object& from, std::string_view key) {
    const value* found = from.if_contains(key);
    if (found == nullptr) fail(key, "is missing");
    return found;
  }
  const object* child(const object& from, std::string_view key) {
    const value* v = member(from, key);
    if (v != nullptr && !v->is_object()) fail(key, "is not an object");
    return v != nullptr ? v->if_object() : nullptr;
  }
  std::string text(const object& from, std::string_view key) {
    const value* v = member(from, key);
    if (v == nullptr) return {};
    if (v->is_string()) return std::string(v->get_string());
    fail(key, "is not a string");
    return {};
  }
  std::uint64_t count(const object& from, std::string_view key) {
    const value* v = member(from, key);
    return v == nullptr ? 0 : count(*v, key);
  }
  std::uint64_t count(const value& v, std::string_view key) {
    if (v.is_uint64()) return v.get_uint64();
    if (v.is_int64() && v.get_int64() >= 0) return static_cast<std::uint64_t>(v.get_int64());
    fail(key, "is not a whole number from 0 up");
    return 0;
  }
  void fail(std::string_view key, std::string_view what) {
    if (wrong_.empty()) wrong_ = "\"" + std::string(key) + "\" " + std::string(what);
  }

 private:
  std::string wrong_;
};

bool plain_name(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || name.front() == '.') return false;
  for (const char c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return name != kManifestName && name != kSumsName;
}

bool sha256_hex(std::string_view hex) { return hex.size() == 64 && hex.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

// That a file of rows has (writers.hpp).
std::string name_of(const FileInfo& file) {
  if (file.format.find('.') == std::string::npos) return {};
  if (!file.first_row) return data_file_name(file.format, file.side);
  std::uint64_t end = *file.first_row + file.rows.value_or(0);
  for (const auto& reason : file.left_out) end += reason.value().to_number<std::uint64_t>();
  return data_file_name(file.format, file.side, std::pair(*file.first_row, end));
}

void read_files(Reader& in, const object& manifest, Claims& claims) {
  const value* files = in.member(manifest, "files");
  if (files == nullptr) return;
  if (!files->is_array()) return in.fail("files", "is not a list");
  std::set<std::string, std::less<>> names;
  for (const value& each : files->get_array()) {
    const object* file = each.if_object();
    if (file == nullptr) return in.fail("files", "holds what is not an object");
    FileInfo info;
    info.name = in.text(*file, "name");
    info.bytes = in.count(*file, "bytes");
    info.sha256 = in.text(*file, "sha256");
    const value* rows = in.member(*file, "rows");
    if (rows != nullptr && !rows->is_null()) info.rows = in.count(*rows, "rows");
    if (file->contains("leftOut"))
      if (const object* left_out = in.child(*file, "leftOut"))
        for (const auto& reason : *left_out) info.left_out[reason.key()] = in.count(reason.value(), reason.key());
    if (file->contains("format")) info.format = in.text(*file, "format");
    if (file->contains("split")) {
      info.side = parse_side(in.text(*file, "split"));
      if (!info.side) return in.fail("split", "of a file is neither train nor validation");
    }
    if (file->contains("firstRow")) info.first_row = in.count(*file, "firstRow");
    if (!in.wrong().empty()) return;
    if (!info.format.empty() && info.name != name_of(info))
      return in.fail("files", "names a file otherwise than its format, split and rows");
    if (!plain_name(info.name)) return in.fail("files", "names what cannot be a file of a snapshot");
    if (!names.insert(info.name).second) return in.fail("files", "names a file twice");
    if (!sha256_hex(info.sha256)) return in.fail("sha256", "is not 64 hex digits");
    claims.files.push_back(std::move(info));
  }
}

void read_since(Reader& in, const object& range, Claims& claims) {
  const value* since = in.member(range, "sinceNs");
  if (since == nullptr || since->is_null()) return;
  const std::string text = in.text(range, "sinceNs");
  std::int64_t ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return in.fail("sinceNs", "is not a decimal number of nanoseconds");
  claims.since_ns = ns;
}

std::string text_or_null(Reader& in, const object& from, std::string_view key) {
  const value* v = in.member(from, key);
  return v == nullptr || v->is_null() ? std::string() : in.text(from, key);
}

void read_chain(Reader& in, const object& manifest, const object& range, ChainClaims& claims) {
  claims.from_cursor = text_or_null(in, range, "fromCursor");
  claims.to_cursor = text_or_null(in, range, "toCursor");
  if (!manifest.contains("chain")) return;
  const object* chain = in.child(manifest, "chain");
  if (chain == nullptr) return;
  claims.whole = true;
  const value* follows = in.member(*chain, "follows");
  if (follows == nullptr || follows->is_null()) {
    if (!claims.full()) in.fail("follows", "is null, though the range begins with a cursor");
    return;
  }
  const object* predecessor = in.child(*chain, "follows");
  if (predecessor == nullptr) return;
  if (claims.full() || in.text(*predecessor, "cursor") != claims.from_cursor) in.fail("follows", "names another cursor than the range");
  claims.predecessor_sha256 = text_or_null(in, *predecessor, "manifestSha256");
}

Error no_snapshot(std::string_view what) {
  return {std::string(kManifestName) + ": " + std::string(what) + ": this is no snapshot, or it was damaged: export again"};
}

}  // namespace

Result<Claims> read_claims(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  const value parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return no_snapshot("is not JSON (" + error.message() + ")");
  const object* manifest = parsed.if_object();
  if (manifest == nullptr) return no_snapshot("is not a JSON object");

  Reader in;
  if (in.text(*manifest, "format") != kManifestFormat) return no_snapshot("is not the manifest of a snapshot");
  const std::uint64_t version = in.count(*manifest, "formatVersion");
  if (version > static_cast<std::uint64_t>(kManifestVersion))
    return Error{std::string(kManifestName) + ": format version " + std::to_string(version) +
                 " is newer than this program: use a newer arbiterctl"};
  Claims claims;
  claims.snapshot = in.count(*manifest, "snapshot");
  if (const object* range = in.child(*manifest, "range")) {
    read_since(in, *range, claims);
    read_chain(in, *manifest, *range, claims.chain);
  }
  if (const object* events = in.child(*manifest, "events")) {
    claims.events = in.count(*events, "total");
    claims.without_task = in.count(*events, "withoutTask");
    if (const object* types = in.child(*events, "byType"))
      for (const auto& type : *types) claims.by_type[std::string(type.key())] = in.count(type.value(), type.key());
  }
  if (manifest->contains("tasks")) claims.tasks = in.count(*manifest, "tasks");
  if (manifest->contains("decisions"))
    if (const object* decisions = in.child(*manifest, "decisions")) claims.decisions = in.count(*decisions, "total");
  if (manifest->contains("split"))
    if (const object* split = in.child(*manifest, "split")) {
      auto known = Split::parse(*split);
      if (!known) return no_snapshot(known.error().message);
      claims.split = std::move(*known);
    }
  read_files(in, *manifest, claims);
  if (!in.wrong().empty()) return no_snapshot(in.wrong());
  return claims;
}

}  // namespace arbiter::snapshot
