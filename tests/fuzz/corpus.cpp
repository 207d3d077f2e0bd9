// `<target> --make-corpus DIR` writes the target's corpus, as it is in the tree, and ends.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/fuzz/input.hpp"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc != 3 || std::string_view((*argv)[1]) != "--make-corpus") return 0;
  arbiter::fuzz::fs::create_directories((*argv)[2]);
  arbiter::fuzz::make_corpus((*argv)[2]);
  std::exit(0);
}
