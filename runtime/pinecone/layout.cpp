#include "pinecone/layout.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "pinecone/server.hpp"
#include "plan/coerce.hpp"
#include "plan/manifest.hpp"

namespace lugger {
namespace {

bool is_number(Kind kind) noexcept {
  return kind == Kind::kInt2 || kind == Kind::kInt4 || kind == Kind::kInt8 ||
         kind == Kind::kFloat4 || kind == Kind::kFloat8 || kind == Kind::kNumeric;
}
bool is_json(Kind kind) noexcept { return kind == Kind::kJson || kind == Kind::kJsonb; }
bool is_dense(Kind kind) noexcept { return kind == Kind::kVector || kind == Kind::kHalfvec; }
bool is_text(Kind kind) noexcept {
  return kind == Kind::kText || kind == Kind::kVarchar || kind == Kind::kChar;
}

class Maker {
 public:
  Maker(const PlanShape& plan, const PineconeIndex* there, const RecordOptions& options)
      : plan_(plan), table_(plan.tables()[0]), there_(there), options_(options) {
    find_namespace();
    find_metadata();
    for (size_t i = 0; i < table_.columns.size(); ++i) out_.slots.push_back(slot(i));
    check_vectors();
    if (there_ != nullptr) check_index();
    tell_losses();
  }
  RecordLayout take() { return std::move(out_); }

 private:
  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    out_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warning(fmt::format_string<Args...> format, Args&&... args) {
    out_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  bool is_key(size_t i) const { return std::ranges::find(table_.key, i) != table_.key.end(); }

  void find_namespace() {
    const auto column = std::ranges::find(table_.columns, "namespace", &Column::name);
    if (options_.name_space) {
      out_.name_space = namespace_name(*options_.name_space, options_.ids);
    } else if (column != table_.columns.end() && is_text(column->type.kind)) {
      out_.by_column = static_cast<size_t>(column - table_.columns.begin());
    }
    for (const size_t i : table_.key)
      if (i != out_.by_column) out_.id.push_back(i);
  }

  void find_metadata() {
    const std::string name = options_.metadata.empty() ? "metadata" : options_.metadata;
    const auto column = std::ranges::find(table_.columns, name, &Column::name);
    const bool there = column != table_.columns.end();
    if (there && is_json(column->type.kind)) {
      metadata_ = static_cast<size_t>(column - table_.columns.begin());
    } else if (!options_.metadata.empty()) {
      problem("metadata = '{}' is no json or jsonb column", name);
    }
  }

  RecordSlot slot(size_t i) {
    const Column& column = table_.columns[i];
    const ColumnType& type = column.type;
    if (i == out_.by_column) return {RecordForm::kNamespace, column.name};
    if (is_key(i)) return {RecordForm::kId, column.name};
    if (i == metadata_) return {RecordForm::kMetadata, column.name};
    if (is_dense(type.kind)) return vector(column, RecordForm::kValues);
    if (type.kind == Kind::kSparsevec) return vector(column, RecordForm::kSparse);
    if (is_vector_array(type)) {
      problem("column {} is many vectors, and a record has one", column.name);
      return {};
    }
    if (column.name.starts_with('$'))
      problem("column {}: Pinecone keeps names with $ for itself", column.name);
    return {form_of(column), column.name};
  }

  RecordForm form_of(const Column& column) {
    const ColumnType& type = column.type;
    if (type.is_array() && is_text(type.element)) return RecordForm::kList;
    if (type.kind == Kind::kBool) return RecordForm::kBool;
    if (is_number(type.kind)) {
      numbers_ = numbers_ || type.kind == Kind::kInt8 || type.kind == Kind::kNumeric;
      return RecordForm::kNumber;
    }
    if (is_json(type.kind)) return RecordForm::kJson;
    if (!is_text(type.kind)) warning("{}: {} is kept as text", column.name, type.sql);
    return RecordForm::kText;
  }

  RecordSlot vector(const Column& column, RecordForm form) {
    if (out_.of(form)) {
      problem(
          "a record has one {} vector, and {} is another: leave it out, or give it a job and an "
          "index of its own",
          form == RecordForm::kValues ? "dense" : "sparse", column.name);
      return {};
    }
    if (form == RecordForm::kSparse && column.type.length == 0)
      problem(
          "column {}: a record does not keep of how many dimensions its sparse vector is; say "
          "it, {{ '{}', 'sparsevec(1000)' }}",
          column.name, column.name);
    if (form == RecordForm::kValues) out_.dimension = static_cast<uint64_t>(column.type.length);
    return {form, column.name};
  }

  void check_vectors() {
    const bool dense = out_.of(RecordForm::kValues).has_value(),
               sparse = out_.of(RecordForm::kSparse).has_value();
    if (!dense && !sparse) problem("a record has a vector, and no column is one");
    if (there_ != nullptr && !there_->documents) {
      if (dense && !there_->dense) problem("the index {} holds sparse vectors alone", there_->name);
      if (!dense && there_->dense)
        problem("the records of {} have a dense vector each, and no column is one", there_->name);
      if (sparse && !there_->sparse)
        problem("the index {} holds no sparse vectors: its metric is {}, and they want dotproduct",
                there_->name, there_->metric);
    }
  }

  void check_index() {
    if (there_->pods) {
      warning("{} is a pod index, whose ids cannot be listed: `verify` cannot read it",
              there_->name);
    }
    if (out_.dimension == 0) out_.dimension = there_->dimension;
    if (out_.of(RecordForm::kValues) && there_->dimension != 0 &&
        out_.dimension != there_->dimension)
      problem("column {} has {} dimensions, and the index {} has {}",
              table_.columns[*out_.of(RecordForm::kValues)].name, out_.dimension, there_->name,
              there_->dimension);
    if (!there_->ready) problem("the index {} is not ready: {}", there_->name, there_->state);
  }

  /// What a record cannot say as the row does, and what becomes of it.
  void tell_losses() {
    const MetadataPolicy& policy = options_.policy;
    const bool json = metadata_ || std::ranges::find(out_.slots, RecordForm::kJson,
                                                     &RecordSlot::form) != out_.slots.end();
    if (!options_.ids.percent())
      warning(
          "ids are ASCII: a row whose key is not becomes a reject (ids = 'percent' encodes it)");
    if (out_.id.size() > 1)
      warning("the id of a record is the JSON list of the {} columns of the key", out_.id.size());
    if (json && policy.drop_nulls)
      warning(
          "metadata has no null: a member that is null is left out (nulls = 'reject' refuses the "
          "row)");
    if (json && policy.nested_json)
      warning(
          "metadata is not nested: objects, and lists of others than strings, become the text of "
          "their JSON");
    if (json && !policy.nested_json)
      warning(
          "metadata is not nested: a row with an object or a list of others than strings becomes a "
          "reject (nested = 'json' keeps the text of it)");
    if ((json || numbers_) && policy.numbers_text)
      warning("numbers are doubles: one that would be rounded, as beyond 2^53, becomes text");
    if ((json || numbers_) && !policy.numbers_text)
      warning(
          "numbers are doubles: a row with one that would be rounded, as beyond 2^53, becomes a "
          "reject (large_numbers = 'text' keeps its digits)");
    warning("metadata of more than 40 KB, and vectors of zeros, become rejects");
  }

  const PlanShape& plan_;
  const TablePlan& table_;
  const PineconeIndex* there_;
  const RecordOptions& options_;
  std::optional<size_t> metadata_;
  bool numbers_ = false;
  RecordLayout out_;
};

/// The metric that the target names, or else that of the column's manifest.
std::string metric_of(const PlanShape& plan, const RecordLayout& layout,
                      const RecordOptions& options) {
  if (layout.of(RecordForm::kSparse)) return "dotproduct";
  if (!options.metric.empty()) return options.metric;
  const std::optional<size_t> values = layout.of(RecordForm::kValues);
  if (!values) return "dotproduct";
  const std::vector<VectorManifest>& all = plan.mapping().manifests;
  const auto one =
      std::ranges::find(all, plan.tables()[0].columns[*values].name, &VectorManifest::column);
  if (one == all.end() || one->metric.empty()) return "cosine";
  const std::string_view word = pinecone_metric_of(one->metric);
  if (!word.empty()) return std::string(word);
  throw Error(Code::kConfig, fmt::format("Pinecone does not compare vectors by {}", one->metric),
              "metric = 'cosine', 'euclidean' or 'dotproduct' says by what");
}

uint64_t dimension_of(const PlanShape& plan, const RecordLayout& layout) {
  const std::optional<size_t> values = layout.of(RecordForm::kValues);
  if (!values || layout.dimension != 0) return layout.dimension;
  const Column& column = plan.tables()[0].columns[*values];
  const std::vector<VectorManifest>& all = plan.mapping().manifests;
  const auto one = std::ranges::find(all, column.name, &VectorManifest::column);
  if (one != all.end() && one->dimensions > 0) return static_cast<uint64_t>(one->dimensions);
  throw Error(Code::kConfig, fmt::format("nothing says how many dimensions {} has", column.name),
              fmt::format("{{ '{}', 'vector(1536)' }} does", column.name));
}

}  // namespace

RecordOptions RecordOptions::of(const Options& options, const std::string& version) {
  RecordOptions out;
  if (options.has("namespace")) out.name_space = options.text("namespace");
  out.metadata = options.text("metadata");
  out.metric = options.text("metric");
  out.cloud = options.text("cloud", "aws");
  out.region = options.text("region", "us-east-1");
  out.schema_words = version >= "2026-07";
  out.ids = PineconeIds(options.text("ids", "ascii") == "percent");
  out.policy.drop_nulls = options.text("nulls", "drop") == "drop";
  out.policy.nested_json = options.text("nested", "reject") == "json";
  out.policy.numbers_text = options.text("large_numbers", "reject") == "text";
  return out;
}

std::string RecordOptions::told(const std::string& server) const {
  return fmt::format("index {}{} at {}", index,
                     name_space ? ", namespace " + shown_namespace(*name_space) : "", server);
}

std::string namespace_name(std::string_view spelled, const PineconeIds& ids) {
  return spelled == "__default__" ? std::string() : ids.encoded(spelled);
}

std::optional<size_t> RecordLayout::of(RecordForm form) const noexcept {
  const auto found = std::ranges::find(slots, form, &RecordSlot::form);
  if (found == slots.end()) return std::nullopt;
  return static_cast<size_t>(found - slots.begin());
}

bool RecordLayout::owns(std::string_view field) const noexcept {
  return std::ranges::any_of(slots, [field](const RecordSlot& slot) {
    return slot.form >= RecordForm::kBool && slot.form <= RecordForm::kJson && slot.name == field;
  });
}

RecordLayout record_layout(const PlanShape& plan, const PineconeIndex* there,
                           const RecordOptions& options) {
  return Maker(plan, there, options).take();
}

std::string index_definition(const PlanShape& plan, const RecordLayout& layout,
                             const RecordOptions& options) {
  const uint64_t dimension = dimension_of(plan, layout);
  const std::string metric = metric_of(plan, layout, options);
  if (options.schema_words) {
    std::string fields;
    if (dimension != 0)
      fields = fmt::format(R"("_values":{{"type":"dense_vector","dimension":{},"metric":"{}"}})",
                           dimension, metric);
    if (layout.of(RecordForm::kSparse))
      fields +=
          fmt::format(R"({}"_sparse_values":{{"type":"sparse_vector","metric":"dotproduct"}})",
                      fields.empty() ? "" : ",");
    return fmt::format(
        R"({{"name":"{}","schema":{{"fields":{{{}}}}},"deployment":{{"deployment_type":"managed","cloud":"{}","region":"{}"}}}})",
        options.index, fields, options.cloud, options.region);
  }
  return fmt::format(
      R"({{"name":"{}","vector_type":"{}",{}"metric":"{}","spec":{{"serverless":{{"cloud":"{}","region":"{}"}}}}}})",
      options.index, dimension == 0 ? "sparse" : "dense",
      dimension == 0 ? "" : fmt::format(R"("dimension":{},)", dimension), metric, options.cloud,
      options.region);
}

}  // namespace lugger
