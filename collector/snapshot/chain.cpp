#include "collector/snapshot/chain.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/json/parse.hpp>

#include "collector/journal/file.hpp"
#include "collector/snapshot/directory.hpp"
#include "collector/snapshot/manifest.hpp"
#include "collector/snapshot/sha256.hpp"

namespace arbiter::snapshot {
namespace {

constexpr std::size_t kManifestBytesMax = 16 << 20;
constexpr std::size_t kDepthMax = 32;
constexpr int kNotFound = 404, kConflict = 409;  // HTTP

using Text = Result<std::string>;

Text read_manifest(const std::string& directory, std::uint64_t number) {
  const std::string path = directory + "/" + number_text(number) + "/" + std::string(kManifestName);
  const auto file = journal::File::open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error().while_(path);
  if (*size > kManifestBytesMax) return Error{path + ": is larger than any manifest"};
  std::string text(*size, '\0');
  const auto got = (*file)->read(std::as_writable_bytes(std::span(text)), 0);
  if (!got) return got.error().while_(path);
  text.resize(*got);
  return Text(boost::system::in_place_value, std::move(text));
}

const boost::json::value* member(const boost::json::value& of, std::string_view path) {
  const boost::json::value* at = &of;
  while (at != nullptr && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    at = at->is_object() ? at->get_object().if_contains(name) : nullptr;
  }
  return at;
}

std::optional<std::uint64_t> count_at(const boost::json::value& of, std::string_view path) {
  const boost::json::value* v = member(of, path);
  if (v == nullptr || !v->is_int64() || v->get_int64() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(v->get_int64());
}

std::string text_at(const boost::json::value& of, std::string_view path) {
  const boost::json::value* v = member(of, path);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}

Result<boost::json::value> parse_manifest(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kDepthMax;
  boost::json::error_code error;
  auto parsed = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (error) return Error{error.message()};
  return parsed;
}

Error not_followed(std::uint64_t number, const std::string& why) {
  return {"no increment can follow snapshot " + std::to_string(number) + ": " + why + ": export a full one", kConflict};
}

// Whether the journal of the view is the one that `reach` was taken of, and has come as far.
std::string why_not_continued(const journal::ViewCursor& reach, const journal::View& view) {
  const journal::ViewCursor now = view.reach();
  if (reach.store_unix_ns != now.store_unix_ns) return "its journal is another one";
  if (reach.frame > now.frame || reach.segment > now.segment)
    return "its journal does not reach as far any more (was an older one restored?)";
  return {};
}

Result<Predecessor> read_predecessor(const std::string& directory, std::uint64_t number, const journal::View& view,
                                     const std::string& key_fingerprint) {
  const auto text = read_manifest(directory, number);
  if (!text) return not_followed(number, text.error().message);
  const auto manifest = parse_manifest(*text);
  if (!manifest) return not_followed(number, "its manifest is damaged");
  const auto reach = journal::ViewCursor::parse(text_at(*manifest, "range.toCursor"));
  if (!reach || member(*manifest, "chain") == nullptr)
    return not_followed(number,
                        "it does not have all events (it was exported since a time, without events, while the disk could not be synced, or "
                        "by an older collector)");
  if (text_at(*manifest, "anonymization.keyFingerprint") != key_fingerprint)
    return not_followed(number, "it was anonymised under another key");
  if (const auto why = why_not_continued(*reach, view); !why.empty()) return not_followed(number, why);
  return Predecessor{*reach, number, count_at(*manifest, "chain.base"), count_at(*manifest, "chain.position").value_or(0),
                     Sha256::of(*text)};
}

}  // namespace

Result<std::optional<Predecessor>> find_predecessor(const std::string& directory, const std::vector<std::uint64_t>& numbers,
                                                    const Following& wanted, const journal::View& view,
                                                    const std::string& key_fingerprint) {
  using Found = std::optional<Predecessor>;
  if (wanted.snapshot) {
    if (!std::binary_search(numbers.begin(), numbers.end(), *wanted.snapshot))
      return Error{"there is no snapshot " + std::to_string(*wanted.snapshot) + " any more, or yet: export a full one", kNotFound};
    auto found = read_predecessor(directory, *wanted.snapshot, view, key_fingerprint);
    if (!found) return found.error();
    return Found(std::move(*found));
  }
  if (wanted.cursor) {
    if (const auto why = why_not_continued(*wanted.cursor, view); !why.empty())
      return Error{"no increment can follow cursor " + wanted.cursor->text() + ": " + why + ": export a full one", kConflict};
    return Found(Predecessor{*wanted.cursor, {}, {}, 0, {}});
  }
  if (wanted.increments == 0 || numbers.empty()) return Found();
  auto newest = read_predecessor(directory, numbers.back(), view, key_fingerprint);
  if (!newest || !newest->base || newest->position >= wanted.increments) return Found();
  return Found(std::move(*newest));
}

boost::json::object chain_json(std::uint64_t number, const std::optional<Predecessor>& follows, const journal::View& view) {
  using Json = boost::json::value;
  const auto or_null = [](const std::optional<std::uint64_t>& n) { return n ? Json(*n) : Json(nullptr); };
  const journal::Statistics& statistics = view.statistics();
  boost::json::object chain{{"retained", statistics.retained.events()},
                            {"retainedOut", statistics.lifetime.retained_out + statistics.lifetime.cleared}};
  if (!follows) {
    chain["base"] = number;
    chain["position"] = 0;
    chain["follows"] = nullptr;
    return chain;
  }
  chain["base"] = or_null(follows->base);
  chain["position"] = follows->base ? Json(follows->position + 1) : Json(nullptr);
  chain["follows"] = {{"snapshot", or_null(follows->snapshot)},
                      {"cursor", boost::json::string(follows->reach.text())},
                      {"manifestSha256", follows->snapshot ? Json(boost::json::string(follows->manifest_sha256)) : Json(nullptr)}};
  return chain;
}

Result<FileInfo> write_retained(const Place& place, const journal::View& view) {
  auto file = OutputFile::create(place, std::string(kRetainedName));
  if (!file) return file.error();
  std::uint64_t rows = 0;
  for (const journal::RetainedFrames& frames : view.retained_frames()) {
    std::string line = "{\"firstFrame\":" + std::to_string(frames.first) + ",\"lastFrame\":" + std::to_string(frames.last);
    if (frames.from) {
      const std::string id = event_id(frames.from->lane, frames.from->sequence);
      line.append(",\"from\":{\"retentionNs\":\"").append(std::to_string(frames.from->time_ns));
      line.append("\",\"segment\":\"").append(id, 0, id.find('-'));
      line.append("\",\"lane\":").append(std::to_string(frames.from->lane.lane));
      line.append(",\"sequence\":\"").append(std::to_string(frames.from->sequence)).append("\"}");
    }
    if (auto ok = (*file)->write(line + "}\n"); !ok) return ok.error();
    ++rows;
  }
  return (*file)->finish(rows);
}

std::uint64_t base_of(const std::string& directory, std::uint64_t number) {
  const auto text = read_manifest(directory, number);
  if (!text) return number;
  const auto manifest = parse_manifest(*text);
  return manifest ? count_at(*manifest, "chain.base").value_or(number) : number;
}

}  // namespace arbiter::snapshot
