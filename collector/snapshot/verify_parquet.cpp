#include "collector/snapshot/verify_parquet.hpp"

#include "collector/snapshot/parquet_reader.hpp"
#include "collector/snapshot/verify_lines.hpp"

namespace arbiter::snapshot {
namespace {

using Text = Result<std::string>;

class TableCheck : public RowCheck {
 public:
  TableCheck(std::string_view what, std::optional<std::uint64_t> claimed) : what_(what), claimed_(claimed) {}

  Text file(const CheckedFile& file, std::uint64_t& rows) override {
    auto wrong = parquet::check_file(file.fd, file.claimed.bytes, rows);
    rows_ += rows;
    return wrong;
  }
  Text finish() override {
    std::string text;
    if (!claimed_)
      text = "the manifest does not say how many " + what_ + " there are";
    else if (rows_ != *claimed_)
      text = differ(what_, rows_, *claimed_);
    return {boost::system::in_place_value, std::move(text)};
  }

 private:
  std::string what_;
  std::optional<std::uint64_t> claimed_;
  std::uint64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<RowCheck> check_events_parquet(const Claims& claims) { return std::make_unique<TableCheck>("events", claims.events); }
std::unique_ptr<RowCheck> check_decisions_parquet(const Claims& claims) {
  return std::make_unique<TableCheck>("decisions", claims.decisions);
}

}  // namespace arbiter::snapshot
