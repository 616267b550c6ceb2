#include "census/references.hpp"

namespace lugger {

namespace {

constexpr uint64_t kFewFound = 2;  // a single equal value may be chance

std::string lower_letters(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '-' || c == '$') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return out;
}

bool drop_ending(std::string& word, std::string_view ending) {
  if (word.size() <= ending.size() || !word.ends_with(ending)) return false;
  word.erase(word.size() - ending.size());
  return true;
}

std::string plural(const std::string& word) {
  if (word.ends_with("y")) return word.substr(0, word.size() - 1) + "ies";
  if (word.ends_with("s") || word.ends_with("x") || word.ends_with("ch")) return word + "es";
  return word + "s";
}

const CensusPath* id_path(const CollectionCensus& census) {
  for (const CensusPath& path : census.paths) {
    if (path.parent < 0 && path.name == "_id") return &path;
  }
  return nullptr;
}

const CensusKeys* id_keys(const CollectionCensus& census) {
  for (const CensusKeys& keys : census.keys) {
    const CensusPath& path = census.paths[static_cast<size_t>(keys.path)];
    if (path.parent < 0 && path.name == "_id") return &keys;
  }
  return nullptr;
}

bool is_number(ValueType type) {
  return type == ValueType::kInt32 || type == ValueType::kInt64 || type == ValueType::kDouble ||
         type == ValueType::kDecimal;
}

/// Types whose values can be equal: 5, 5.0 and a decimal 5 are one _id.
bool may_be_equal(const CensusPath& path, const CensusPath& id) {
  if (path.types.empty() || id.types.empty()) return false;
  const ValueType a = path.types.front().type, b = id.types.front().type;
  if (a == b || (is_number(a) && is_number(b))) return true;
  return a == ValueType::kString && b == ValueType::kObjectId && path.texts &&
         path.texts->looks.object_id != 0;
}

/// The name that speaks for a path: that of the field, where it is an array's element.
std::string_view field_name(const CollectionCensus& census, const CensusPath& path) {
  const CensusPath* at = &path;
  while ((at->kind == PathKind::kElement || at->name == "$id" || at->name == "_id" ||
          at->name == "id") &&
         at->parent >= 0)
    at = &census.paths[static_cast<size_t>(at->parent)];
  return at->name;
}

}  // namespace

bool names_collection(std::string_view field, std::string_view collection) {
  std::string word = lower_letters(field);
  for (const std::string_view ending : {"ids", "id", "refs", "ref", "key"}) {
    if (drop_ending(word, ending)) break;
  }
  const std::string wanted = lower_letters(collection);
  return !word.empty() && (wanted == word || wanted == plural(word));
}

std::vector<ReferenceCandidate> find_references(std::span<const CollectionCensus* const> list) {
  std::vector<ReferenceCandidate> out;
  for (size_t own = 0; own < list.size(); ++own) {
    const CollectionCensus& census = *list[own];
    for (const CensusKeys& keys : census.keys) {
      const CensusPath& path = census.paths[static_cast<size_t>(keys.path)];
      for (size_t other = 0; other < list.size(); ++other) {
        const CensusPath* id = id_path(*list[other]);
        const CensusKeys* ids = id_keys(*list[other]);
        if (id == nullptr || ids == nullptr || (own == other && &path == id)) continue;
        if (!may_be_equal(path, *id)) continue;
        const bool named = names_collection(field_name(census, path), list[other]->info.collection);
        const SmallestHashes::Overlap overlap = keys.hashes.within(ids->hashes);
        const bool number = is_number(path.types.front().type);
        const bool meets =
            overlap.found * 2 >= overlap.looked_at && overlap.found >= (named ? 1 : kFewFound);
        if (!named && (number || !meets)) continue;
        if (named && overlap.looked_at != 0 && overlap.found == 0) continue;
        out.push_back({own, other, path.path, meets ? "values" : "name", path.present,
                       overlap.looked_at, overlap.found});
      }
    }
  }
  return out;
}

}  // namespace lugger
