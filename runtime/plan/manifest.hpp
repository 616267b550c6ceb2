// How vectors were made: by which model, of what, for which metric. Vectors of different makings
// cannot be compared, and nothing in the vectors tells.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

struct Mapping;

/// What nobody has said is "" or 0.
struct VectorManifest {
  std::string column;  // the target's; of a source the path of the field
  std::string model, revision;
  std::string prefix;   // put before each text: "query: "
  std::string pooling;  // "mean", "cls", "last"
  int truncation = 0;   // tokens of a text that the model saw
  int dimensions = 0;
  std::optional<bool> normalised;  // to length 1
  std::string metric;              // "cosine", "dot", "l2", "l1", "hamming", "jaccard"

  bool says_nothing() const noexcept;
};

/// {"model":"...","dimensions":1536}
std::string manifest_json(const VectorManifest& manifest);
/// {"embedding":{...},"small":{...}}
std::string manifests_json(const std::vector<VectorManifest>& manifests);
/// Error{parse}.
VectorManifest manifest_from_json(std::string_view json, std::string column);
std::vector<VectorManifest> manifests_from_json(std::string_view json);

/// A manifest in a comment that may say other things too: the line "lugger manifest: {...}".
std::string with_manifest(std::string_view comment, std::string_view json);
/// The JSON of that line; "": there is none.
std::string manifest_of_comment(std::string_view comment);

/// "model ada-002 and not 3-small", for everything that both say differently.
std::vector<std::string> manifest_differences(const VectorManifest& one,
                                              const VectorManifest& other);
/// For a reader: "text-embedding-3-small, 1536 dimensions, cosine, normalised".
std::string manifest_words(const VectorManifest& manifest);

/// Gives each column of vectors its manifest: what the job says of it, or of all of them, then what
/// the source says, then what its type says. A normalised column gets the policy that checks it, an
/// index without a metric that of its column. Returns what job and source say differently.
/// Error{config} for a manifest of something else.
std::vector<std::string> bind_manifests(Mapping& mapping,
                                        const std::vector<VectorManifest>& of_source);

}  // namespace lugger
