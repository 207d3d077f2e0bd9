// SHA-256 as OpenSSL computes it: with the processor's own instructions where it has them, then six times as fast as libsodium's, which
// would be most of what an export costs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace arbiter::snapshot {

class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  std::string hex();  // lower case; ends it

  static std::string of(std::string_view bytes) {
    Sha256 sum;
    sum.add(bytes);
    return sum.hex();
  }

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace arbiter::snapshot
