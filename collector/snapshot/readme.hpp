// README.md of a snapshot: what is in it, for people, under the header that the Hugging Face hub reads.
#pragma once

#include <string>
#include <vector>

#include "collector/snapshot/output_file.hpp"

namespace arbiter::snapshot {

std::string readme_text(const std::vector<FileInfo>& data_files, bool encrypted);

}  // namespace arbiter::snapshot
