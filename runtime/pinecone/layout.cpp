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
      : table_(plan.tables()[0]), there_(there), options_(options) {
    out_.documents = there != nullptr ? there->documents : options.documents;
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
    if (column.name.starts_with('$') || (out_.documents && column.name.starts_with('_')))
      problem("column {}: Pinecone keeps such names for itself", column.name);
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
    const bool dense = form == RecordForm::kValues;
    if (!dense && column.type.length == 0)
      problem(
          "column {}: a record does not keep of how many dimensions its sparse vector is; say "
          "it, {{ '{}', 'sparsevec(1000)' }}",
          column.name, column.name);
    RecordSlot out{form, column.name, dense ? static_cast<uint64_t>(column.type.length) : 0};
    if (out_.documents) {
      if (there_ != nullptr) find_field(column, out);
      return out;
    }
    if (out_.of(form)) {
      problem(
          "a record has one {} vector, and {} is another: leave it out, or give it a job and an "
          "index of its own",
          dense ? "dense" : "sparse", column.name);
      return {};
    }
    if (dense && there_ != nullptr) check_dimension(column, there_->dimension, out);
    return out;
  }

  /// The field of the column's name, or the only one of its kind.
  void find_field(const Column& column, RecordSlot& slot) {
    const std::string_view type =
        slot.form == RecordForm::kValues ? "dense_vector" : "sparse_vector";
    const auto is_kind = [type](const PineconeField& field) { return field.type == type; };
    const PineconeField* field = there_->field(column.name);
    if (field == nullptr && std::ranges::count_if(there_->fields, is_kind) == 1)
      field = &*std::ranges::find_if(there_->fields, is_kind);
    if (field == nullptr || !is_kind(*field)) {
      problem("column {}: the index {} has no field of that name for it, a {}", column.name,
              there_->name, type);
      return;
    }
    slot.name = field->name;
    if (slot.form == RecordForm::kValues) check_dimension(column, field->dimension, slot);
  }

  void check_dimension(const Column& column, uint64_t wanted, RecordSlot& slot) {
    if (slot.dimension == 0) slot.dimension = wanted;
    if (wanted != 0 && slot.dimension != wanted)
      problem("column {} has {} dimensions, and the index {} has {}", column.name, slot.dimension,
              there_->name, wanted);
  }

  void check_vectors() {
    const bool dense = out_.of(RecordForm::kValues).has_value(),
               sparse = out_.of(RecordForm::kSparse).has_value();
    if (out_.documents) {
      if (there_ != nullptr) check_fields();
      return;
    }
    if (!dense && !sparse) problem("a record has a vector, and no column is one");
    if (there_ == nullptr) return;
    if (dense && !there_->dense) problem("the index {} holds sparse vectors alone", there_->name);
    if (!dense && there_->dense)
      problem("the records of {} have a dense vector each, and no column is one", there_->name);
    if (sparse && !there_->sparse)
      problem("the index {} holds no sparse vectors: its metric is {}, and they want dotproduct",
              there_->name, there_->metric);
  }

  void check_fields() {
    for (const PineconeField& field : there_->fields) {
      const bool filled = std::ranges::any_of(out_.slots, [&](const RecordSlot& slot) {
        return slot.form == RecordForm::kValues && slot.name == field.name;
      });
      if (field.type == "dense_vector" && !filled)
        problem("the documents of {} have a vector {} each, and no column is it", there_->name,
                field.name);
    }
  }

  void check_index() {
    if (there_->pods)
      warning("{} is a pod index, whose ids cannot be listed: `verify` cannot read it",
              there_->name);
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

  const TablePlan& table_;
  const PineconeIndex* there_;
  const RecordOptions& options_;
  std::optional<size_t> metadata_;
  bool numbers_ = false;
  RecordLayout out_;
};

const VectorManifest* manifest_of(const PlanShape& plan, const std::string& column) {
  const std::vector<VectorManifest>& all = plan.mapping().manifests;
  const auto one = std::ranges::find(all, column, &VectorManifest::column);
  return one == all.end() ? nullptr : &*one;
}

/// The metric that the target names, or else that of the column's manifest.
std::string metric_of(const PlanShape& plan, const std::string& column,
                      const RecordOptions& options) {
  if (!options.metric.empty()) return options.metric;
  const VectorManifest* one = manifest_of(plan, column);
  if (one == nullptr || one->metric.empty()) return "cosine";
  const std::string_view word = pinecone_metric_of(one->metric);
  if (!word.empty()) return std::string(word);
  throw Error(Code::kConfig, fmt::format("Pinecone does not compare vectors by {}", one->metric),
              "metric = 'cosine', 'euclidean' or 'dotproduct' says by what");
}

uint64_t dimension_of(const PlanShape& plan, const RecordSlot& slot, const std::string& column) {
  if (slot.dimension != 0) return slot.dimension;
  const VectorManifest* one = manifest_of(plan, column);
  if (one != nullptr && one->dimensions > 0) return static_cast<uint64_t>(one->dimensions);
  throw Error(Code::kConfig, fmt::format("nothing says how many dimensions {} has", column),
              fmt::format("{{ '{}', 'vector(1536)' }} does", column));
}

/// What the schema of an index says of a vector column.
std::string vector_field(const PlanShape& plan, const RecordLayout& layout, size_t slot,
                         const RecordOptions& options) {
  const RecordSlot& of = layout.slots[slot];
  const std::string& column = plan.tables()[0].columns[slot].name;
  if (of.form == RecordForm::kSparse)
    return fmt::format(R"("{}":{{"type":"sparse_vector"}})",
                       layout.documents ? column : "_sparse_values");
  const bool hybrid = !layout.documents && layout.of(RecordForm::kSparse);
  return fmt::format(R"("{}":{{"type":"dense_vector","dimension":{},"metric":"{}"}})",
                     layout.documents ? column : "_values", dimension_of(plan, of, column),
                     hybrid ? "dotproduct" : metric_of(plan, column, options));
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
  out.documents = options.flag("documents");
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
  if (options.schema_words || layout.documents) {
    std::string fields;
    for (size_t i = 0; i < layout.slots.size(); ++i) {
      const RecordForm form = layout.slots[i].form;
      if (form != RecordForm::kValues && form != RecordForm::kSparse) continue;
      fields += (fields.empty() ? "" : ",") + vector_field(plan, layout, i, options);
    }
    return fmt::format(
        R"({{"name":"{}","schema":{{"fields":{{{}}}}},"deployment":{{"deployment_type":"managed",)"
        R"("cloud":"{}","region":"{}"}}}})",
        options.index, fields, options.cloud, options.region);
  }
  const std::optional<size_t> values = layout.of(RecordForm::kValues);
  std::string kind = R"("vector_type":"sparse","metric":"dotproduct")";
  if (values) {
    const std::string& column = plan.tables()[0].columns[*values].name;
    kind = fmt::format(
        R"("vector_type":"dense","dimension":{},"metric":"{}")",
        dimension_of(plan, layout.slots[*values], column),
        layout.of(RecordForm::kSparse) ? "dotproduct" : metric_of(plan, column, options));
  }
  return fmt::format(R"({{"name":"{}",{},"spec":{{"serverless":{{"cloud":"{}","region":"{}"}}}}}})",
                     options.index, kind, options.cloud, options.region);
}

}  // namespace lugger
