#include "verify/recall_queries.hpp"

#include <algorithm>
#include <array>
#include <deque>

#include "base/text.hpp"
#include "embed/embedder.hpp"
#include "engine/search.hpp"
#include "place/whole.hpp"
#include "plan/plan.hpp"
#include "registry/registry.hpp"
#include "value/damaged.hpp"
#include "value/looked_into.hpp"
#include "value/path.hpp"
#include "vector/elements.hpp"

namespace lugger {

namespace {

/// A number, text or truth as the server would print it; nullopt: anything else.
std::optional<std::string> plain_text(const Value& value) {
  switch (value.type) {
    case ValueType::kString: return std::string(value.text());
    case ValueType::kInt32:
    case ValueType::kInt64: return std::to_string(value.i64);
    case ValueType::kDouble: return fmt::format("{}", value.f64);
    case ValueType::kBool: return value.i64 != 0 ? "true" : "false";
    default: return std::nullopt;
  }
}

Error bad_query(const std::string& path, uint64_t line, const std::string& what) {
  return {Code::kRead, fmt::format("{}, query {}: {}", path, line, what),
          "a line is { \"vector\": [0.1, ...] }, with \"filter\": { \"column\": value } where only "
          "some rows are searched"};
}

size_t column_of(const RecallColumn& column, std::string_view name) {
  const auto& columns = column.table->columns;
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name) return i;
  return columns.size();
}

/// The group with this filter, which is made for its first query.
QueryGroup& group_of(QuerySet& set, SearchFilter filter, const RecallColumn& column) {
  for (QueryGroup& group : set.groups)
    if (group.filter == filter) return group;
  QueryGroup& made = set.groups.emplace_back();
  for (const auto& [name, value] : filter) made.columns.push_back(column_of(column, name));
  made.filter = std::move(filter);
  return made;
}

/// A query as a file has it.
struct AskedQuery {
  uint64_t line = 0;
  SearchFilter filter;
  std::vector<float> vector;  // of a text: made later
  std::string text;
};

/// Reads the lines of a file of queries.
class QueryReader {
 public:
  QueryReader(const std::string& path, const RecallColumn& column) : path_(path), column_(column) {}

  void read(const Document& document) {
    ++line_;
    if (const std::string_view damage = damage_of(document.bytes()); !damage.empty()) {
      throw Error(Code::kRead, fmt::format("{}: query {} is no JSON: {}", path_, line_, damage),
                  "a file whose last line is not whole was cut off: write it anew");
    }
    refuse_slip(document);
    Arena arena;
    AskedQuery& out = asked.emplace_back();
    out.line = line_;
    Value value = document_field(document, "vector", Opened::kInside, arena);
    if (value.absent())
      value = document_field(document, column_.column().name, Opened::kInside, arena);
    const Value text = document_field(document, "text", Opened::kInside, arena);
    Floats floats;
    if (!value.absent()) {
      if (!take_floats(value, room_, floats)) throw bad_query(path_, line_, "this is no vector");
      out.vector.assign(floats.begin(), floats.end());
    } else if (text.type == ValueType::kString && text.size != 0) {
      out.text = text.text();
    } else {
      throw bad_query(path_, line_, "it has no vector, and no text");
    }
    out.filter = filter(document_field(document, "filter", Opened::kInside, arena), arena);
  }

  std::vector<AskedQuery> asked;

 private:
  /// A line may have other fields, as a log has; but one that is meant for the filter would search
  /// all rows.
  void refuse_slip(const Document& document) const {
    constexpr std::array<std::string_view, 1> kFilter = {"filter"};
    for (BsonReader fields(document.bytes()); fields.next();) {
      if (fields.name() == kFilter[0] || nearest(fields.name(), kFilter).empty()) continue;
      throw Error(
          Code::kRead,
          fmt::format("{}, query {}: unknown key {}", path_, line_, quoted_excerpt(fields.name())),
          "did you mean filter? Without one all rows are searched");
    }
  }

  SearchFilter filter(const Value& value, Arena& arena) const {
    SearchFilter out;
    if (value.absent()) return out;
    if (value.type != ValueType::kDocument)
      throw bad_query(path_, line_, "the filter is no object of columns and values");
    for (ElementReader fields(value, arena); fields.next();) {
      const std::string name(fields.name());
      if (column_of(column_, name) == column_.table->columns.size()) {
        throw bad_query(path_, line_,
                        fmt::format("the filter names {}, which is no column of {} that is "
                                    "compared",
                                    name, column_.table->name));
      }
      const std::optional<std::string> text = plain_text(fields.value());
      if (!text)
        throw bad_query(path_, line_,
                        fmt::format("the filter's {} is no text, number or truth", name));
      out.emplace_back(name, *text);
    }
    std::ranges::sort(out);
    return out;
  }

  const std::string& path_;
  const RecallColumn& column_;
  std::vector<float> room_;
  uint64_t line_ = 0;
};

/// The queries with what a model makes of their texts. All have the dimensions of the first one.
QuerySet query_set(const std::vector<AskedQuery>& asked, Embedder* model, const std::string& path,
                   const RecallColumn& column) {
  std::vector<std::string> texts;
  for (const AskedQuery& one : asked)
    if (!one.text.empty()) texts.push_back(one.text);
  std::vector<std::vector<float>> made;
  if (!texts.empty()) made = model->vectors(texts);
  QuerySet out;
  out.from = path;
  if (model != nullptr && !texts.empty()) out.from += ", texts by " + model->shown();
  auto next = made.begin();
  for (const AskedQuery& one : asked) {
    const std::vector<float>& vector = one.text.empty() ? one.vector : *next++;
    if (out.dimensions == 0) out.dimensions = vector.size();
    if (vector.size() != out.dimensions) {
      throw bad_query(path, one.line,
                      fmt::format("{} dimensions, and the queries before it have {}", vector.size(),
                                  out.dimensions));
    }
    QueryGroup& group = group_of(out, one.filter, column);
    group.numbers.insert(group.numbers.end(), vector.begin(), vector.end());
    group.ids.push_back(fmt::format("query {}", one.line));
  }
  return out;
}

/// The vectors with the smallest digests of their keys: a sample that does not depend on the order.
class Sampler final : public SourceUse {
 public:
  Sampler(const PlanShape& shape, const RecallColumn& column, size_t count)
      : column_(column), source_(shape, column), count_(count) {}

  void row(const SourceRow& row) override {
    if (&row.table != column_.table || row.slots == nullptr) return;
    const uint64_t rank = row.digests.key.lo;
    if (kept.size() == count_ && rank >= std::prev(kept.end())->first) return;
    Floats floats;
    if (!take_floats(source_.of(row), room_, floats)) return;
    KeyText key;
    for (const size_t c : column_.key) {
      const ComparedColumn& part = column_.table->columns[c];
      key.push_back(server_text_or_null(row.slots[part.slot], part));
    }
    keep(rank, {hit_key(key), {floats.begin(), floats.end()}});
  }

  void take(Sampler& other) {
    for (auto& [rank, drawn] : other.kept) keep(rank, std::move(drawn));
  }

  struct Drawn {
    std::string key;
    std::vector<float> numbers;
  };
  std::map<uint64_t, Drawn> kept;

 private:
  void keep(uint64_t rank, Drawn drawn) {
    kept.emplace(rank, std::move(drawn));
    if (kept.size() > count_) kept.erase(std::prev(kept.end()));
  }

  const RecallColumn& column_;
  SourceVector source_;
  const size_t count_;
  std::vector<float> room_;
};

}  // namespace

/// Text of a sparse vector, bits and other texts are what the mapping makes of them.
static bool is_numbers(ValueType type) noexcept {
  return type == ValueType::kArray || type == ValueType::kPgArray || type == ValueType::kBinary ||
         type == ValueType::kVector || type == ValueType::kHalfVector ||
         type == ValueType::kSparseVector;
}

SourceVector::SourceVector(const PlanShape& shape, const RecallColumn& column)
    : column_(column), path_(split_path(path(shape, column, column.vector))) {}

const Value& SourceVector::of(const SourceRow& row) {
  arena_.reset();
  value_ = value_at(row.document, path_, arena_);
  return is_numbers(value_.type) ? value_ : row.slots[column_.column().slot];
}

std::string SourceVector::path(const PlanShape& shape, const RecallColumn& column, size_t c) {
  const TablePlan& table = shape.tables()[column.table->table];
  const Column& of = table.columns[column.table->columns[c].slot];
  return of.from.empty() ? of.name : of.from;
}

size_t QuerySet::size() const noexcept {
  size_t out = 0;
  for (const QueryGroup& group : groups) out += group.ids.size();
  return out;
}

std::string filter_words(const SearchFilter& filter) {
  std::string out;
  for (const auto& [name, value] : filter)
    out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", name, value);
  return out;
}

/// JSON and any numbers may be vectors; where they are not, no row has one.
static bool may_hold_vectors(const ColumnType& type) {
  if (holds_vectors(type) || type.kind == Kind::kJson || type.kind == Kind::kJsonb) return true;
  if (!type.is_array()) return false;
  return type.element == Kind::kInt2 || type.element == Kind::kInt4 ||
         type.element == Kind::kInt8 || type.element == Kind::kNumeric;
}

RecallColumn recall_column(const Comparison& comparison, const std::string& name) {
  RecallColumn out;
  std::vector<RecallColumn> vectors, others;
  for (const ComparedTable& table : comparison.tables) {
    if (!table.own) continue;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const ColumnType& type = table.columns[i].type;
      if (name.empty() ? !holds_vectors(type) : table.columns[i].name != name) continue;
      (only_vectors(type) ? vectors : others).push_back({&table, i, table.key});
    }
  }
  if (vectors.empty()) vectors = std::move(others);
  if (!vectors.empty()) out = vectors[0];
  std::string several;
  for (size_t i = 1; i < vectors.size(); ++i) several += ", " + vectors[i].column().name;
  if (out.table == nullptr) {
    throw Error(Code::kConfig,
                name.empty() ? "recall: no column that is compared holds vectors"
                             : fmt::format("recall: no column {} is compared", name),
                "name a column of type vector, halfvec, sparsevec or bit of the job's own table");
  }
  if (!several.empty()) {
    throw Error(
        Code::kConfig,
        fmt::format("recall: several columns hold vectors: {}{}", out.column().name, several),
        "name one: --recall-column NAME, or recall = { column = ... }");
  }
  if (!may_hold_vectors(out.column().type)) {
    throw Error(Code::kConfig,
                fmt::format("recall: {} is {}, which holds no vectors", out.column().name,
                            out.column().type.sql),
                "name a column of type vector, halfvec, sparsevec, bit or float4[]");
  }
  if (out.key.empty())
    throw Error(Code::kConfig, fmt::format("recall: {} has no key", out.table->name),
                "hits are compared by key: give the target key = '...'");
  return out;
}

BothQueries read_queries(const RecallOptions& options, const RecallColumn& column) {
  const std::string& path = options.queries;
  const std::unique_ptr<Source> source = open_source(path, {});
  const std::unique_ptr<Cursor> cursor = open_whole(*source);
  QueryReader reader(path, column);
  Arena arena;
  Batch batch(arena);
  while (cursor->fill(batch)) {
    for (const Document& document : batch.documents) reader.read(document);
    batch.clear();
    arena.reset();
  }
  const auto& of_source = options.source_model ? options.source_model : options.target_model;
  const auto& of_target = options.target_model ? options.target_model : options.source_model;
  const auto text =
      std::ranges::find_if(reader.asked, [](const AskedQuery& one) { return !one.text.empty(); });
  if (text != reader.asked.end() && !of_source) {
    throw Error(Code::kConfig,
                fmt::format("{}, query {}: a text, and neither the source nor the target names the "
                            "model that makes a vector of it",
                            path, text->line),
                "lugger.source(..., { embed = lugger.embed { url = ..., model = ... } }), and the "
                "same for the target where its model is another");
  }
  BothQueries out;
  out.target = query_set(reader.asked, of_target.get(), path, column);
  out.source = of_source == of_target || text == reader.asked.end()
                   ? out.target
                   : query_set(reader.asked, of_source.get(), path, column);
  return out;
}

QuerySet sample_queries(VerifyContext& context, const RecallColumn& column, uint64_t count) {
  SourcePass source(context);
  std::deque<Sampler> samplers;
  for (int i = 0; i < context.readers; ++i) samplers.emplace_back(*context.shape, column, count);
  Crew crew(context.stop);
  for (Sampler& sampler : samplers) crew.start([&] { source.work(sampler, crew); });
  crew.finish();
  for (size_t i = 1; i < samplers.size(); ++i) samplers[0].take(samplers[i]);

  QuerySet out;
  QueryGroup& group = out.groups.emplace_back();
  for (const auto& [rank, drawn] : samplers[0].kept) {
    if (out.dimensions == 0) out.dimensions = drawn.numbers.size();
    if (drawn.numbers.size() != out.dimensions) continue;
    group.numbers.insert(group.numbers.end(), drawn.numbers.begin(), drawn.numbers.end());
    group.ids.push_back(drawn.key);
  }
  out.from = fmt::format("{} stored vectors (seed {})", group.ids.size(), context.seed);
  return out;
}

}  // namespace lugger
