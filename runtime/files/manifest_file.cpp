#include "files/manifest_file.hpp"

#include "base/error.hpp"
#include "base/whole_file.hpp"
#include "files/input.hpp"

namespace lugger {
namespace {

AllowedPath manifest_path(const AllowedPath& of) { return of.belonging(of.text() + ".manifest"); }

}  // namespace

std::vector<VectorManifest> read_manifest_file(const AllowedPath& of) {
  std::error_code none;
  if (of.text() == "-") return {};
  const AllowedPath path = manifest_path(of);
  if (!std::filesystem::is_regular_file(path.text(), none)) return {};
  try {
    return manifests_from_json(read_small_file(path));
  } catch (Error& error) {
    error.note("file", path.text());
    error.with_hint("mend that file, or take it away");
    throw;
  }
}

void keep_manifest_file(const AllowedPath& of, const std::vector<VectorManifest>& manifests) {
  if (of.text() == "-") return;
  const AllowedPath path = manifest_path(of);
  if (!manifests.empty()) return write_whole_file(path, manifests_json(manifests) + "\n");
  std::error_code none;
  std::filesystem::remove(path.text(), none);
}

}  // namespace lugger
