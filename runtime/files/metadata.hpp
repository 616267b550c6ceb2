// What mongodump writes beside a collection: its indexes, options, type, and its name in full.
#pragma once
#include <string>

#include "base/gate.hpp"

namespace lugger {

struct Metadata {
  std::string json, name;
  std::string type = "collection";  // "view", "timeseries"
  /// A sentence; "": whole. Damaged metadata is told, and costs its collection nothing but what
  /// stood there: `json` is empty then.
  std::string fault;
};

/// where: for messages. Who takes `json` afterwards finds documents where mongodump writes them.
Metadata metadata_from_json(std::string json, const std::string& where);
Metadata metadata_from_file(const AllowedPath& path);

}  // namespace lugger
