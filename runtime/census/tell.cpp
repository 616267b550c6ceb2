// Makes the census that is shown from the counters.
#include "base/digest.hpp"
#include "base/text.hpp"
#include "census/census.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

constexpr size_t kTopValues = 10;

CensusLengths lengths(const Lengths& from) {
  return {from.count == 0 ? 0 : from.least, from.greatest, from.empty, from.mean()};
}

std::string top_text(const TopValues::Entry& entry) {
  const Bytes kept{entry.bytes.data(), std::min<size_t>(entry.size, TopValues::kKeptBytes)};
  const std::string cut = entry.size > kept.size() ? "..." : "";
  switch (entry.type) {
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kPgText: {
      std::string_view text = as_text(kept);
      if (!cut.empty() && valid_utf8_prefix(text) + 4 > text.size())
        text = text.substr(0, valid_utf8_prefix(text));  // a character may be cut
      return replace_invalid_utf8(text) + cut;
    }
    case ValueType::kObjectId: return to_hex(kept);
    case ValueType::kDecimal: return decimal128_text(kept.data());
    case ValueType::kNumeric: return cut.empty() ? numeric_text(kept) : to_hex(kept) + cut;
    case ValueType::kUuid: return uuid_text(kept.data());
    case ValueType::kBinary:
      return entry.aux == 4 && entry.size == 16 ? uuid_text(kept.data()) : to_hex(kept) + cut;
    case ValueType::kDouble: return double_text(load_le<double>(kept.data()));
    default: break;
  }
  const auto number = load_le<int64_t>(entry.bytes.data());
  switch (entry.type) {
    case ValueType::kBool: return number != 0 ? "true" : "false";
    case ValueType::kDate: return iso_from_unix_ms(number);
    case ValueType::kMicros: return timestamp_text(number);
    case ValueType::kDay: return day_text(number);
    case ValueType::kTime: return time_text(number);
    case ValueType::kTimestamp:
      return fmt::format("{}:{}", static_cast<uint64_t>(number) >> 32, number & 0xffffffff);
    default: return std::to_string(number);
  }
}

std::vector<CensusTop> top_values(const PathStats& stats) {
  std::vector<CensusTop> out;
  for (const TopValues::Entry& entry : stats.top.top(kTopValues)) {
    if (entry.count * 2 <= stats.top.error()) break;  // not more frequent than other values
    out.push_back({top_text(entry), std::string(type_word(entry.type)), entry.count});
  }
  return out;
}

std::vector<std::string> examples_of(const PathStats& stats, ValueType type) {
  std::vector<std::string> out;
  for (const auto& [of, example] : stats.examples) {
    if (of == type) out.push_back(example_text(example));
  }
  return out;
}

void tell_types(const PathStats& stats, CensusPath& out) {
  for (const ValueType kind : stats.facts.kinds()) {
    const uint64_t values = stats.facts.count(kind);
    out.types.push_back({kind, values, examples_of(stats, kind)});
    out.present += values;
  }
  std::stable_sort(out.types.begin(), out.types.end(),
                   [](const CensusType& a, const CensusType& b) { return a.values > b.values; });
  out.nulls = stats.facts.count(ValueType::kNull) + stats.facts.count(ValueType::kUndefined);
  out.null_examples = examples_of(stats, ValueType::kNull);
}

void tell_numbers(const PathStats& stats, CensusPath& out) {
  const FieldFacts& facts = stats.facts;
  if (facts.least <= facts.greatest) {
    out.integers.emplace();
    out.integers->least = std::to_string(facts.least);
    out.integers->greatest = std::to_string(facts.greatest);
    out.integers->beyond_double = stats.beyond_double;
  }
  const DoubleFacts& doubles = stats.doubles;
  if (facts.count(ValueType::kDouble) != 0) {
    CensusDoubles& told = out.doubles.emplace();
    if (doubles.finite != 0)
      told.least = double_text(doubles.least), told.greatest = double_text(doubles.greatest);
    told.values = facts.count(ValueType::kDouble);
    told.whole = doubles.whole, told.nan = doubles.nan, told.infinite = doubles.infinite;
    told.digits = {doubles.looked_at, doubles.digits.precision(), doubles.digits.scale};
  }
  const DecimalFacts& decimals = stats.decimals;
  if (decimals.finite + decimals.special != 0) {
    CensusDecimals& told = out.decimals.emplace();
    told.least = decimals.least_text, told.greatest = decimals.greatest_text;
    told.values = decimals.finite + decimals.special, told.special = decimals.special;
    told.digits = {decimals.finite, decimals.digits.precision(), decimals.digits.scale};
  }
}

std::vector<std::string> texts_of(const std::vector<CensusExample>& examples) {
  std::vector<std::string> out;
  for (const CensusExample& one : examples) out.push_back(example_text(one));
  return out;
}

CensusVectors tell_vectors(const VectorFacts& facts) {
  CensusVectors out;
  out.values = facts.values, out.least = facts.least, out.greatest = facts.greatest;
  out.zeros = facts.zeros.count, out.non_finite = facts.non_finite.count;
  out.duplicates = facts.duplicates.count, out.exact = facts.exact();
  out.zero_examples = texts_of(facts.zeros.examples);
  out.non_finite_examples = texts_of(facts.non_finite.examples);
  out.duplicate_examples = texts_of(facts.duplicates.examples);
  return out;
}

void tell_others(const PathStats& stats, CensusPath& out) {
  if (stats.dates.least <= stats.dates.greatest) {
    CensusDates& told = out.dates.emplace();
    told.least = iso_from_unix_ms(stats.dates.least);
    told.greatest = iso_from_unix_ms(stats.dates.greatest);
    told.outside = stats.dates.outside;
  }
  if (stats.text.lengths.count != 0) {
    CensusTexts& told = out.texts.emplace();
    static_cast<CensusLengths&>(told) = lengths(stats.text.lengths);
    told.values = stats.text.lengths.count;
    told.with_nul = stats.text.with_nul, told.bad_utf8 = stats.text.bad_utf8;
    if (told.with_nul != 0) told.nul_example = example_text(stats.text.nul_example);
    if (told.bad_utf8 != 0) told.utf8_example = example_text(stats.text.utf8_example);
    told.looks = stats.text.looks;
  }
  if (stats.binaries.count != 0) out.binaries = lengths(stats.binaries);
  for (const auto& [subtype, values] : stats.subtypes) out.subtypes.push_back({subtype, values});
  if (stats.arrays.count != 0) out.arrays = lengths(stats.arrays);
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// Which names of a document differ from another by case alone.
std::map<std::string, std::vector<std::string>> by_lower_case(const PathNode& node) {
  std::map<std::string, std::vector<std::string>> out;
  for (const PathNode::Edge& edge : node.children)
    out[lower(edge.node->name)].push_back(edge.node->name);
  return out;
}

CensusPath tell_path(const PathNode& node, uint64_t parents) {
  CensusPath out;
  out.path = replace_invalid_utf8(path_text(node));
  out.name = replace_invalid_utf8(node.name);
  out.kind = node.kind;
  out.depth = node.depth;
  out.documents = node.stats.facts.documents;
  tell_types(node.stats, out);
  if (node.kind == PathKind::kField) {
    out.parents = parents;
    const uint64_t found = out.present + out.nulls - node.repeated;
    out.missing = parents > found ? parents - found : 0;
  }
  tell_numbers(node.stats, out);
  tell_others(node.stats, out);
  if (node.vectors && node.vectors->are_vectors()) out.vectors = tell_vectors(*node.vectors);
  out.distinct =
      std::min(out.present, static_cast<uint64_t>(std::llround(node.stats.distinct.estimate())));
  out.distinct_exact = node.stats.distinct.exact();
  out.top = top_values(node.stats);
  out.top_error = node.stats.top.error();
  if (node.kind == PathKind::kFolded)
    out.names = static_cast<uint64_t>(std::llround(node.parent->names->estimate()));
  out.not_walked = node.not_walked;
  out.repeated = node.repeated;
  if (node.repeated != 0) out.repeated_example = example_text(node.repeated_example);
  out.type = narrowest_type(node.stats.facts);
  return out;
}

void tell_below(const PathNode& node, int parent, CollectionCensus& out) {
  std::vector<CensusPath>& paths = out.paths;
  const auto names = by_lower_case(node);
  const auto add = [&](const PathNode& child) {
    CensusPath told = tell_path(child, node.visits);
    told.parent = parent;
    if (child.kind == PathKind::kField) {
      for (const std::string& name : names.at(lower(child.name))) {
        if (name != child.name) told.same_but_case.push_back(replace_invalid_utf8(name));
      }
    }
    const auto place = static_cast<int>(paths.size());
    if (!child.stats.keys.hashes().empty())
      out.keys.push_back({place, told.present, child.stats.keys});
    paths.push_back(std::move(told));
    tell_below(child, place, out);
  };
  for (const PathNode::Edge& edge : node.children) add(*edge.node);
  if (node.element) add(*node.element);
}

}  // namespace

std::string example_text(const CensusExample& example) {
  return example.id.empty() ? fmt::format("#{}", example.document + 1)
                            : replace_invalid_utf8(example.id);
}

CollectionCensus tell(const Collector& collector) {
  CollectionCensus out;
  out.documents = collector.documents();
  out.malformed = collector.malformed();
  out.bytes = collector.sizes().total;
  out.sizes = lengths(collector.sizes());
  if (out.documents != 0) out.largest = example_text(collector.largest());
  tell_below(collector.root(), -1, out);
  if (const RowShape* rows = collector.rows()) {
    for (CensusPath& path : out.paths) {
      for (const RowShape::Field& field : rows->fields) {
        if (path.parent < 0 && field.name == path.name) path.type = field.type_name;
      }
    }
  }
  out.discriminators = find_discriminators(collector);
  for (const CensusFault& fault : collector.faults()) {
    CensusFaultText told{fault.example.document + 1,
                         replace_invalid_utf8(fault.example.id),
                         replace_invalid_utf8(fault.path),
                         fault.what,
                         std::nullopt,
                         fault.inside};
    if (fault.at != UINT64_MAX) told.at = fault.at;
    out.faults.push_back(std::move(told));
  }
  return out;
}

}  // namespace lugger
