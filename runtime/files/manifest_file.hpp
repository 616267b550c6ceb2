// The manifests of vectors in a file stand beside it, in FILE.manifest: a line of its own in the file
// would be a document to every other reader.
#pragma once
#include <vector>

#include "base/gate.hpp"
#include "plan/manifest.hpp"

namespace lugger {

/// By column; none where there is no such file.
std::vector<VectorManifest> read_manifest_file(const AllowedPath& of);
/// With none to keep, the file of an earlier run is removed.
void keep_manifest_file(const AllowedPath& of, const std::vector<VectorManifest>& manifests);

}  // namespace lugger
