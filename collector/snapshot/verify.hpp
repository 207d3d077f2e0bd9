// Is a snapshot directory what its manifest says? Everything in it is recomputed: sizes, SHA-256, rows, the order of events, that ids are
// unique, the counts by type. The directory is not trusted: names are taken as names within it and never followed, sizes and depths are
// bounded.
//
// It finds damage and mistakes. Who can write the directory can also write a manifest that fits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "collector/crypt/cipher.hpp"
#include "collector/snapshot/verify_manifest.hpp"
#include "shm/result.hpp"

namespace arbiter::snapshot {

struct VerifyReport {
  std::uint64_t snapshot = 0;      // number, as the manifest says
  std::uint64_t files = 0;         // checked
  std::uint64_t encrypted = 0;     // of those: their rows were not looked into
  std::uint64_t bytes = 0;         // read
  std::uint64_t events = 0;        // in the first file of events; 0 where the snapshot has none
  std::uint64_t trajectories = 0;  // in the first file of trajectories
  std::uint64_t decisions = 0;     // in the first file of decisions
  ChainClaims chain;
  std::string manifest_sha256;
  // What is wrong, each "<file>: what: what to do"; at most kProblemsMax, then one that says there were more.
  std::vector<std::string> problems;

  static constexpr std::size_t kProblemsMax = 50;
  bool ok() const { return problems.empty(); }
};

// Files that are encrypted are held against SHA256SUMS as they lie there, and with their key also against the manifest; who wants their
// rows checked decrypts them (decrypt.hpp).
//
// An error: nothing could be verified, because there is no such directory or its manifest cannot be read. Reads every file twice; memory
// does not grow with their size. Any thread.
Result<VerifyReport> verify(const std::string& directory, const crypt::Keyring& keys = {});

// Whether snapshots, in the order in which they are to be applied, are a chain: a full one, then increments of which each follows the one
// before. What is wrong, each "snapshot 7: what: what to do": an increment that is lost, or in the wrong place.
std::vector<std::string> check_chain(std::span<const VerifyReport> snapshots);

}  // namespace arbiter::snapshot
