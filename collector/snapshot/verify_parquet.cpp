#include "collector/snapshot/verify_parquet.hpp"

#include "collector/snapshot/parquet_reader.hpp"

namespace arbiter::snapshot {
namespace {

using Text = Result<std::string>;

Text check(const CheckedFile& file, std::string_view what, std::optional<std::uint64_t> claimed, std::uint64_t& count) {
  auto wrong = parquet::check_file(file.fd, file.claimed.bytes, count);
  if (!wrong || !wrong->empty()) return wrong;
  std::string text;
  if (!claimed)
    text = "the manifest does not say how many " + std::string(what) + " there are";
  else if (count != *claimed)
    text = std::string(what) + ": " + std::to_string(count) + ", but the manifest says " + std::to_string(*claimed);
  return {boost::system::in_place_value, std::move(text)};
}

}  // namespace

Text check_events_parquet(const CheckedFile& file, const Claims& claims, std::uint64_t& count) {
  return check(file, "events", claims.events, count);
}
Text check_decisions_parquet(const CheckedFile& file, const Claims& claims, std::uint64_t& count) {
  return check(file, "decisions", claims.decisions, count);
}

}  // namespace arbiter::snapshot
