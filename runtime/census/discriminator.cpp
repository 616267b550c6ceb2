// Finding the field that tells kinds of documents apart.
#include "base/text.hpp"
#include "census/census.hpp"

namespace lugger {

namespace {

// A value determines a field's presence if no more than this share of its documents are exceptions.
constexpr double kExceptions = 0.02;
// A field that nearly all documents have, or nearly none, says nothing.
constexpr double kSomeShare = 0.005;

struct Table {
  std::vector<std::string> values;
  std::vector<uint64_t> documents;             // by value
  std::vector<std::vector<uint64_t>> present;  // by value, by field
};

Table count(const FieldDiscriminator& cross, const std::vector<ShapeTable::Shape>& shapes,
            const std::unordered_map<uint64_t, size_t>& fields) {
  Table out;
  for (const FieldDiscriminator::Entry& entry : cross.entries()) {
    out.values.push_back(replace_invalid_utf8(entry.value));
    out.documents.push_back(0);
    out.present.emplace_back(fields.size());
    for (size_t shape = 1; shape < entry.by_shape.size(); ++shape) {
      const uint64_t documents = entry.by_shape[shape];
      out.documents.back() += documents;
      if (documents == 0) continue;
      for (const uint64_t field : shapes[shape].fields) {
        const auto place = fields.find(field);
        if (place != fields.end()) out.present.back()[place->second] += documents;
      }
    }
  }
  return out;
}

/// True when the values determine the presence of a field that some documents have and others lack.
bool decides(const Table& table, size_t field) {
  uint64_t all = 0, have = 0, exceptions = 0;
  for (size_t i = 0; i < table.values.size(); ++i) {
    const uint64_t n = table.documents[i], with = table.present[i][field];
    all += n, have += with, exceptions += std::min(with, n - with);
  }
  const double rare = static_cast<double>(std::min(have, all - have));
  return rare > static_cast<double>(all) * kSomeShare &&
         static_cast<double>(exceptions) <= rare * 2 * kExceptions;
}

CensusDiscriminator describe(const std::string& path, const Table& table,
                             const std::vector<std::string>& names,
                             const std::vector<size_t>& decided) {
  CensusDiscriminator out;
  out.path = path;
  for (const size_t field : decided) out.decides.push_back(names[field]);
  for (size_t i = 0; i < table.values.size(); ++i) {
    CensusDiscriminator::Kind kind{table.values[i], table.documents[i], {}, {}};
    for (const size_t field : decided) {
      const bool has = table.present[i][field] * 2 > table.documents[i];
      (has ? kind.always : kind.never).push_back(names[field]);
    }
    out.kinds.push_back(std::move(kind));
  }
  std::stable_sort(out.kinds.begin(), out.kinds.end(),
                   [](const auto& a, const auto& b) { return a.documents > b.documents; });
  return out;
}

}  // namespace

std::vector<CensusDiscriminator> find_discriminators(const Collector& collector) {
  std::vector<CensusDiscriminator> out;
  const PathNode& root = collector.root();
  const auto& shapes = collector.shapes().shapes();
  if (root.folded() || shapes[ShapeTable::kOther].documents * 10 > collector.documents())
    return out;
  std::unordered_map<uint64_t, size_t> places;
  std::vector<std::string> names;
  for (const PathNode::Edge& edge : root.children) {
    places.emplace(edge.node->hash, names.size());
    names.push_back(replace_invalid_utf8(edge.node->name));
  }
  for (size_t own = 0; own < root.children.size(); ++own) {
    const PathNode& field = *root.children[own].node;
    if (!field.cross.useful()) continue;
    const Table table = count(field.cross, shapes, places);
    uint64_t covered = 0;
    for (const uint64_t documents : table.documents) covered += documents;
    if (covered * 10 < collector.documents() * 9) continue;  // too many documents lack the field
    if (covered < table.values.size() * 3) continue;         // values that are hardly shared
    std::vector<size_t> decided;
    for (size_t other = 0; other < names.size(); ++other) {
      if (other != own && decides(table, other)) decided.push_back(other);
    }
    if (!decided.empty())
      out.push_back(describe(replace_invalid_utf8(path_text(field)), table, names, decided));
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.decides.size() != b.decides.size() ? a.decides.size() > b.decides.size()
                                                : a.kinds.size() < b.kinds.size();
  });
  return out;
}

}  // namespace lugger
