// What mongodump writes beside a collection: its indexes, options, type, and its name in full.
#pragma once
#include <string>

#include "base/gate.hpp"

namespace lugger {

struct Metadata {
  std::string json, name;
  std::string type = "collection";  // "view", "timeseries"
  /// What could not be read, in a sentence; "": nothing. Damaged metadata is reported; the
  /// collection only loses what was in it, and `json` is empty.
  std::string fault;
};

/// where: for messages. In the `json` of the result, values that mongodump writes as documents are
/// documents.
Metadata metadata_from_json(std::string json, const std::string& where);
Metadata metadata_from_file(const AllowedPath& path);

}  // namespace lugger
