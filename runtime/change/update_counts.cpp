#include "change/update_counts.hpp"

#include <algorithm>

#include "change/apply.hpp"

namespace lugger {
namespace {

constexpr size_t kMaxPaths = 10'000;  // of one collection
constexpr int kMaxDepth = kMaxBsonDepth;

using Paths = std::vector<std::string>;

std::string join(const std::string& parent, std::string_view name) {
  return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

void delta_paths(Bytes diff, const std::string& at, int depth, Paths& out);

void array_paths(BsonReader& reader, const std::string& at, int depth, Paths& out) {
  const std::string elements = at + "[]";
  while (reader.next()) {
    const bool deeper = reader.name().starts_with('s') && depth < kMaxDepth;
    if (deeper) {
      delta_paths(reader.value().bytes(), elements, depth + 1, out);
    } else {
      out.push_back(elements);
    }
  }
}

void delta_paths(Bytes diff, const std::string& at, int depth, Paths& out) {
  BsonReader reader(diff);
  while (reader.next()) {
    const std::string_view key = reader.name();
    if (key == "a" && reader.value().type == ValueType::kBool)
      return array_paths(reader, at, depth, out);
    if (key.empty() || reader.value().type != ValueType::kDocument) continue;
    if (key[0] == 's' && depth < kMaxDepth) {
      delta_paths(reader.value().bytes(), join(at, key.substr(1)), depth + 1, out);
      continue;
    }
    BsonReader fields(reader.value().bytes());
    while (fields.next()) out.push_back(join(at, fields.name()));
  }
}

/// "lines.0.price" becomes "lines[].price": a number is treated as an index, because the entry does
/// not show whether it is a field name.
std::string modifier_path(std::string_view dotted) {
  std::string out;
  while (!dotted.empty()) {
    const size_t end = std::min(dotted.find('.'), dotted.size());
    const std::string_view part = dotted.substr(0, end);
    dotted.remove_prefix(std::min(end + 1, dotted.size()));
    const bool index = !out.empty() && !part.empty() &&
                       part.find_first_not_of("0123456789") == std::string_view::npos;
    if (index)
      out += "[]";
    else
      out = join(out, part);
  }
  return out;
}

void modifier_paths(Bytes update, Paths& out) {
  BsonReader reader(update);
  while (reader.next()) {
    if (reader.value().type != ValueType::kDocument) continue;
    BsonReader fields(reader.value().bytes());
    while (fields.next()) out.push_back(modifier_path(fields.name()));
  }
}

}  // namespace

void UpdateCounts::add(const Change& change) {
  auto found = collections.find(change.ns);
  if (found == collections.end())
    found = collections.emplace(std::string(change.ns), Collection()).first;
  Collection& of = found->second;
  switch (change.kind) {
    case ChangeKind::kInsert: ++of.inserts; return;
    case ChangeKind::kReplace: ++of.replacements; return;
    case ChangeKind::kDelete: ++of.deletes; return;
    case ChangeKind::kUpdate: ++of.updates; break;
  }
  Paths paths;
  if (update_kind(change.body) == UpdateKind::kDelta) {
    delta_paths(bson_field(change.body, "diff").bytes(), {}, 0, paths);
  } else {
    modifier_paths(change.body, paths);
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  for (std::string& path : paths) {
    const auto known = of.paths.find(path);
    if (known != of.paths.end()) {
      ++known->second;
    } else if (of.paths.size() < kMaxPaths) {
      of.paths.emplace(std::move(path), 1);
    } else {
      ++of.other_paths;
    }
  }
}

UpdateCounts count_updates(const OpenOplog& open, const std::string& place) {
  UpdateCounts out;
  const OplogSummary summary = summarise_oplog(open, place);
  walk_changes(open, place, summary, [&](const Change& change) { out.add(change); });
  return out;
}

}  // namespace lugger
