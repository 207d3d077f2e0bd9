#include "shm/utf8.hpp"

namespace arbiter {

bool valid_utf8_slow(const unsigned char* at, const unsigned char* end) {
  while (at != end) {
    const unsigned char lead = *at++;
    if (lead < 0x80) continue;
    // How many continuation bytes follow, and what the first of them may be: that is where overlong forms, surrogates and
    // code points over the end show.
    int more;
    unsigned char low = 0x80, high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    for (; more != 0; --more) {
      if (at == end || *at < low || *at > high) return false;
      ++at;
      low = 0x80, high = 0xbf;
    }
  }
  return true;
}

}  // namespace arbiter
