#include "plan/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/infer.hpp"
#include "plan/mapping.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"
#include "vector/metric.hpp"

namespace lugger {
namespace {

constexpr std::string_view kMark = "lugger manifest: ";

struct TextField {
  std::string_view name;
  std::string VectorManifest::*member;
};
constexpr TextField kTexts[] = {{"model", &VectorManifest::model},
                                {"revision", &VectorManifest::revision},
                                {"prefix", &VectorManifest::prefix},
                                {"pooling", &VectorManifest::pooling},
                                {"metric", &VectorManifest::metric}};
struct NumberField {
  std::string_view name;
  int VectorManifest::*member;
};
constexpr NumberField kNumbers[] = {{"truncation", &VectorManifest::truncation},
                                    {"dimensions", &VectorManifest::dimensions}};

void add_key(std::string_view name, std::string& out) {
  if (out.size() > 1) out += ',';
  write_json_string(name, out);
  out += ':';
}

/// One document of JSON as BSON.
ByteBuffer parsed(std::string_view json) {
  ByteBuffer out;
  JsonReader reader(JsonForm::kPlain);
  reader.feed(as_bytes(json), true);
  if (!reader.next(out)) raise(Code::kParse, "a manifest is empty");
  return out;
}

VectorManifest manifest_of(Bytes document, std::string column) {
  VectorManifest out;
  out.column = std::move(column);
  for (const TextField& field : kTexts) {
    const Value value = bson_field(document, field.name);
    if (value.type == ValueType::kString) out.*field.member = value.text();
  }
  for (const NumberField& field : kNumbers) {
    const Value value = bson_field(document, field.name);
    if (value.type == ValueType::kInt32 || value.type == ValueType::kInt64)
      out.*field.member = static_cast<int>(value.i64);
  }
  const Value normalised = bson_field(document, "normalised");
  if (normalised.type == ValueType::kBool) out.normalised = normalised.i64 != 0;
  return out;
}

bool is_dense_or_sparse(const ColumnType& type) noexcept {
  return type.kind == Kind::kVector || type.kind == Kind::kHalfvec || type.kind == Kind::kSparsevec;
}
bool may_have_manifest(const ColumnType& type) noexcept {
  if (!type.is_array()) return is_dense_or_sparse(type) || type.kind == Kind::kBit;
  return type.element == Kind::kVector || type.element == Kind::kHalfvec;
}

/// What `from` says and `to` does not.
void fill_in(VectorManifest& to, const VectorManifest& from) {
  for (const TextField& field : kTexts)
    if ((to.*field.member).empty()) to.*field.member = from.*field.member;
  for (const NumberField& field : kNumbers)
    if (to.*field.member == 0) to.*field.member = from.*field.member;
  if (!to.normalised) to.normalised = from.normalised;
}

/// Every index of a store has a metric, whether anybody chose it or not.
bool says_more_than_metric(VectorManifest manifest) {
  manifest.metric.clear();
  return !manifest.says_nothing();
}

void check_given(const VectorManifest& given, const Mapping& mapping) {
  if (!given.metric.empty()) check_metric(given.metric, "manifest: ");
  const auto fits = [&](const Column& column) {
    return given.column.empty() ? is_dense_or_sparse(column.type)
                                : column.name == given.column && may_have_manifest(column.type);
  };
  if (std::ranges::any_of(mapping.columns, fits)) return;
  if (given.column.empty())
    throw Error(Code::kConfig, "the job has a manifest, and no column of vectors",
                "name the column's type: { 'embedding', 'vector(1536)' }");
  throw Error(Code::kConfig, fmt::format("manifest: {} is no column of vectors", given.column),
              "manifest = { model = '...' } is of all columns of vectors, "
              "{ embedding = { model = '...' } } of one");
}

/// The job's own words of a column, those of just this column first.
VectorManifest given_for(const Column& column, const Mapping& mapping) {
  VectorManifest out;
  for (const VectorManifest& given : mapping.manifests)
    if (given.column == column.name) fill_in(out, given);
  if (is_dense_or_sparse(column.type)) {
    for (const VectorManifest& given : mapping.manifests)
      if (given.column.empty()) fill_in(out, given);
  }
  out.column = column.name;
  return out;
}

void check_dimensions(VectorManifest& manifest, const Column& column) {
  const int wanted = column.type.is_array() ? 0 : column.type.length;
  if (wanted == 0) return;
  if (manifest.dimensions == 0) manifest.dimensions = wanted;
  if (manifest.dimensions == wanted) return;
  throw Error(Code::kConfig,
              fmt::format("{} is {}, and its manifest says {} dimensions", column.name,
                          column.type.sql, manifest.dimensions),
              "correct one of them");
}

void give_metric(const VectorManifest& manifest, std::vector<IndexMapping>& indexes) {
  for (IndexMapping& index : indexes) {
    const bool of_vectors = index.method == "hnsw" || index.method == "ivfflat";
    if (!of_vectors || !index.metric.empty() || !index.opclass.empty() ||
        index.columns != std::vector<std::string>{manifest.column})
      continue;
    index.metric = manifest.metric;
  }
}

}  // namespace

bool VectorManifest::says_nothing() const noexcept {
  return model.empty() && revision.empty() && prefix.empty() && pooling.empty() && metric.empty() &&
         truncation == 0 && dimensions == 0 && !normalised;
}

std::string manifest_json(const VectorManifest& manifest) {
  std::string out = "{";
  for (const TextField& field : kTexts) {
    if ((manifest.*field.member).empty()) continue;
    add_key(field.name, out);
    write_json_string(manifest.*field.member, out);
  }
  for (const NumberField& field : kNumbers) {
    if (manifest.*field.member == 0) continue;
    add_key(field.name, out);
    out += std::to_string(manifest.*field.member);
  }
  if (manifest.normalised) {
    add_key("normalised", out);
    out += *manifest.normalised ? "true" : "false";
  }
  return out + "}";
}

std::string manifests_json(const std::vector<VectorManifest>& manifests) {
  std::string out = "{";
  for (const VectorManifest& one : manifests) {
    add_key(one.column, out);
    out += manifest_json(one);
  }
  return out + "}";
}

VectorManifest manifest_from_json(std::string_view json, std::string column) {
  const ByteBuffer document = parsed(json);
  return manifest_of(document.view(), std::move(column));
}

std::vector<VectorManifest> manifests_from_json(std::string_view json) {
  const ByteBuffer document = parsed(json);
  std::vector<VectorManifest> out;
  for (BsonReader reader(document.view()); reader.next();) {
    if (reader.value().type == ValueType::kDocument)
      out.push_back(manifest_of(reader.value().bytes(), std::string(reader.name())));
  }
  return out;
}

std::string with_manifest(std::string_view comment, std::string_view json) {
  const std::string line = fmt::format("{}{}", kMark, json);
  std::string out(comment);
  const size_t at = out.find(kMark);
  if (at == std::string::npos) return out.empty() ? line : out + "\n" + line;
  return out.replace(at, out.find('\n', at) - at, line);
}

std::string manifest_of_comment(std::string_view comment) {
  const size_t at = comment.find(kMark);
  if (at == std::string_view::npos) return {};
  comment.remove_prefix(at + kMark.size());
  return std::string(comment.substr(0, comment.find('\n')));
}

std::vector<std::string> manifest_differences(const VectorManifest& one,
                                              const VectorManifest& other) {
  std::vector<std::string> out;
  for (const TextField& field : kTexts) {
    const std::string &a = one.*field.member, &b = other.*field.member;
    if (!a.empty() && !b.empty() && a != b)
      out.push_back(
          fmt::format("{} {} and not {}", field.name, quoted_excerpt(a), quoted_excerpt(b)));
  }
  for (const NumberField& field : kNumbers) {
    const int a = one.*field.member, b = other.*field.member;
    if (a != 0 && b != 0 && a != b)
      out.push_back(fmt::format("{} {} and not {}", field.name, a, b));
  }
  if (one.normalised && other.normalised && *one.normalised != *other.normalised)
    out.push_back(fmt::format("normalised {} and not {}", *one.normalised, *other.normalised));
  return out;
}

std::string manifest_words(const VectorManifest& manifest) {
  std::string out;
  const auto add = [&](const std::string& words) { out += (out.empty() ? "" : ", ") + words; };
  if (!manifest.model.empty()) add(manifest.model);
  if (!manifest.revision.empty()) add("revision " + manifest.revision);
  if (manifest.dimensions != 0) add(fmt::format("{} dimensions", manifest.dimensions));
  if (!manifest.metric.empty()) add(manifest.metric);
  if (manifest.normalised) add(*manifest.normalised ? "normalised" : "not normalised");
  if (!manifest.prefix.empty()) add(fmt::format("prefix \"{}\"", manifest.prefix));
  if (!manifest.pooling.empty()) add("pooling " + manifest.pooling);
  if (manifest.truncation != 0) add(fmt::format("cut at {} tokens", manifest.truncation));
  return out;
}

std::vector<std::string> bind_manifests(Mapping& mapping,
                                        const std::vector<VectorManifest>& of_source) {
  std::vector<std::string> out;
  std::vector<VectorManifest> bound;
  for (const VectorManifest& given : mapping.manifests) check_given(given, mapping);
  for (Column& column : mapping.columns) {
    if (!may_have_manifest(column.type)) continue;
    VectorManifest manifest = given_for(column, mapping);
    bool worth_keeping = !manifest.says_nothing();
    const std::string path = column.from.empty() ? escaped_path(column.name) : column.from;
    const auto source = std::ranges::find(of_source, path, &VectorManifest::column);
    if (source != of_source.end()) {
      for (const std::string& one : manifest_differences(*source, manifest))
        out.push_back(fmt::format("{}: those of the source have {}", column.name, one));
      fill_in(manifest, *source);
      worth_keeping = worth_keeping || says_more_than_metric(*source);
    }
    if (!manifest.metric.empty()) give_metric(manifest, mapping.indexes);
    if (!worth_keeping) continue;
    check_dimensions(manifest, column);
    if (manifest.normalised == true) column.policy.normalised = true;
    bound.push_back(std::move(manifest));
  }
  mapping.manifests = std::move(bound);
  return out;
}

}  // namespace lugger
