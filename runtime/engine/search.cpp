#include "engine/search.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "place/whole.hpp"
#include "plan/coerce.hpp"
#include "plan/infer.hpp"
#include "value/json_writer.hpp"
#include "value/looked_into.hpp"
#include "value/path.hpp"
#include "value/projection.hpp"
#include "value/row_bson.hpp"
#include "vector/elements.hpp"
#include "vector/top_k.hpp"

namespace lugger {
namespace {

constexpr std::string_view kNameIt = "name one: column = 'NAME'";

std::string counted(uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

[[noreturn]] void refuse_text(const Source& source) {
  throw Error(
      Code::kConfig,
      fmt::format("a text was asked for, and {} makes no vectors of texts", source.info().place),
      "give the source the model that made its vectors: embed = lugger.embed { url = ..., "
      "model = ... }; or ask for a vector");
}

/// A store that is asked for such a vector answers anything.
void refuse_bad_query(const std::vector<float>& query) {
  const auto at = std::ranges::find_if_not(query, [](float one) { return std::isfinite(one); });
  if (at == query.end()) return;
  throw Error(Code::kConfig,
              fmt::format("element {} of the query is {}: nothing is near to that",
                          at - query.begin() + 1, std::isnan(*at) ? "NaN" : fmt::format("{}", *at)),
              "a vector that is searched for has finite numbers only");
}

void refuse_zero_vector(const std::vector<float>& query, Metric metric) {
  const bool zero = std::ranges::all_of(query, [](float one) { return one == 0; });
  if (metric != Metric::kCosine || !zero || query.empty()) return;
  throw Error(Code::kConfig, "a zero vector has no cosine",
              "search for another vector, or by another metric: metric = 'l2'");
}

[[noreturn]] void refuse_several(const std::string& where, const std::vector<std::string>& names) {
  throw Error(Code::kConfig,
              fmt::format("{} has several columns with vectors: {}", where, fmt::join(names, ", ")),
              std::string(kNameIt));
}

/// The column of a table that is searched, by its type.
std::string only_column(const RowShape& shape, const std::string& where) {
  std::vector<std::string> vectors, others;
  for (const RowShape::Field& field : shape.fields) {
    const ColumnType type = parse_column_type(declared_type(field));
    if (!holds_vectors(type)) continue;
    (only_vectors(type) ? vectors : others).push_back(field.name);
  }
  if (vectors.empty()) vectors = std::move(others);
  if (vectors.size() > 1) refuse_several(where, vectors);
  if (!vectors.empty()) return vectors[0];
  throw Error(Code::kConfig, fmt::format("{} has no column with vectors", where),
              "a column of type vector, halfvec, sparsevec, bit or float4[] can be searched");
}

/// One pass over all documents, which compares each vector with the query.
class ExactPass {
 public:
  ExactPass(const SearchRequest& request, std::string column, std::string where)
      : request_(request),
        metric_(request.metric.empty() ? Metric::kCosine : metric_of(request.metric)),
        squared_(dot(request.query, request.query)),
        where_(std::move(where)),
        column_(std::move(column)),
        met_(request.filter.size()) {
    if (!column_.empty()) path_ = split_path(column_);
    for (const auto& [name, value] : request.filter) filter_.push_back(split_path(name));
    for (const std::string& name : request.key) key_.push_back(split_path(name));
  }

  void add(const Document& document) {
    arena_.reset();
    ++documents_;
    if (path_.empty()) choose(document);
    if (key_.empty()) choose_key(document);
    if (path_.empty() || !passes(document)) return;
    const Value value = value_at(document, path_, arena_);
    Floats floats;
    if (value.absent() || !take_floats(value, room_, floats)) {
      ++without_;
      return;
    }
    if (floats.size() != request_.query.size()) {
      ++sizes_[floats.size()];
      return;
    }
    ++vectors_;
    const double found = score(floats, request_.query, squared_, metric_);
    if (!std::isnan(found)) offer(document, found);
  }

  SearchFound found() {
    check();
    SearchFound out;
    out.metric = metric_word(metric_);
    out.how = fmt::format("{} compared", counted(vectors_, "vector"));
    if (without_ != 0) out.how += fmt::format(", {} without one", counted(without_, "document"));
    for (const auto& [size, count] : sizes_)
      out.how += fmt::format(", {} of {} dimensions", count, size);
    out.key = request_.key;
    if (out.key.empty() && !id_.empty()) out.key = {id_};
    out.hits = std::move(hits_);
    return out;
  }

 private:
  static constexpr uint64_t kLookedAt = 100;  // documents, for their only field with vectors

  /// The field of this document that reads as a vector of the query's dimensions.
  void choose(const Document& document) {
    if (documents_ > kLookedAt) refuse_none();
    std::vector<std::string> fit;
    if (document.format != Format::kBson) return;
    const auto look = [&](const std::string& name, const Value& value) {
      Floats floats;
      if (value.type == ValueType::kString || !take_floats(value, room_, floats)) return;
      if (floats.size() == request_.query.size()) fit.push_back(name);
      other_sizes_[name] = floats.size();
    };
    for (BsonReader fields(document.bytes()); fields.next();) {
      const std::string name = escaped_path(fields.name());
      look(name, fields.value());
      if (fields.value().type != ValueType::kDocument) continue;
      for (BsonReader inner(fields.value().bytes()); inner.next();)
        look(name + "." + escaped_path(inner.name()), inner.value());
    }
    if (fit.size() > 1) refuse_several(where_, fit);
    if (fit.empty()) return;
    column_ = fit[0];
    path_ = split_path(column_);
  }

  /// MongoDB's name of what identifies a document, or else that of the stores of vectors.
  void choose_key(const Document& document) {
    for (const char* name : {"_id", "id"}) {
      if (value_at(document, {name}, arena_).absent()) continue;
      id_ = name;
      key_.push_back({id_});
      return;
    }
  }

  [[noreturn]] void refuse_none() const {
    std::string others;
    for (const auto& [name, size] : other_sizes_)
      others += fmt::format("{}{} has {}", others.empty() ? "" : ", ", name, size);
    if (others.empty()) {
      throw Error(
          Code::kConfig,
          fmt::format("no field of the first {} documents of {} holds vectors", documents_, where_),
          "a vector is a list of numbers; name its field: column = 'meta.embedding'");
    }
    throw Error(Code::kConfig,
                fmt::format("the query has {} dimensions, and in {} {}", request_.query.size(),
                            where_, others),
                "a query is made by the model that made the vectors");
  }

  bool passes(const Document& document) {
    for (size_t i = 0; i < filter_.size(); ++i) {
      const Value value = value_at(document, filter_[i], arena_);
      if (value.type != ValueType::kMissing) met_[i] = true;
      text_.clear();
      if (value.absent() || !append_scalar_text(value, text_)) return false;
      if (text_.text() != request_.filter[i].second) return false;
    }
    return true;
  }

  /// Of equal scores the one that came first is nearer.
  void offer(const Document& document, double found) {
    const auto nearer = [&](double a, double b) { return is_distance(metric_) ? a < b : a > b; };
    if (hits_.size() == request_.k && !nearer(found, hits_.back().score)) return;
    const auto behind =
        std::upper_bound(hits_.begin(), hits_.end(), found,
                         [&](double mine, const Hit& hit) { return nearer(mine, hit.score); });
    hits_.insert(behind, {key_of(document), found, without_vector(document)});
    if (hits_.size() > request_.k) hits_.pop_back();
  }

  std::string key_of(const Document& document) {
    std::vector<std::optional<std::string>> values;
    for (const std::vector<std::string>& path : key_) {
      const Value value = value_at(document, path, arena_);
      text_.clear();
      const bool there = !value.absent() && append_scalar_text(value, text_);
      values.push_back(there ? std::optional<std::string>(text_.text()) : std::nullopt);
    }
    return hit_key(values);
  }

  std::string without_vector(const Document& document) {
    ByteBuffer row;
    if (document.format == Format::kPgRow) append_row(document, arena_, row);
    const std::string rest =
        Projection(false, {column_}).apply(row.empty() ? document.bytes() : row.view());
    const Bytes bytes = as_bytes(rest);
    return document_json({bytes.data(), static_cast<uint32_t>(bytes.size())}, JsonStyle::kRelaxed);
  }

  void check() const {
    if (documents_ == 0) return;
    if (path_.empty()) refuse_none();
    for (size_t i = 0; i < filter_.size(); ++i) {
      if (met_[i]) continue;
      throw Error(Code::kConfig,
                  fmt::format("the filter names {}, which no document of {} has",
                              request_.filter[i].first, where_),
                  "a filter is { field = value }, a field inside another 'meta.tenant'");
    }
    if (vectors_ == 0 && !sizes_.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("the query has {} dimensions, and {} of {} has {}",
                              request_.query.size(), column_, where_, sizes_.begin()->first),
                  "a query is made by the model that made the vectors");
    }
    if (vectors_ != 0 || without_ == 0) return;
    throw Error(Code::kConfig, fmt::format("{} of {} holds no vectors", column_, where_),
                "a vector is a list of numbers, an array or text like [1,2.5]");
  }

  const SearchRequest& request_;
  const Metric metric_;
  const double squared_;  // the query's product with itself
  const std::string where_;
  std::string column_;
  std::vector<std::string> path_;  // of the column
  std::vector<std::vector<std::string>> filter_, key_;
  std::vector<bool> met_;  // a document has what the filter names
  uint64_t documents_ = 0, vectors_ = 0, without_ = 0;
  std::map<std::string, size_t> other_sizes_;  // of fields that could be meant
  std::map<size_t, uint64_t> sizes_;           // of vectors that cannot be compared
  std::string id_;  // the field that identifies a hit, where nobody has named a key
  std::vector<Hit> hits_;
  std::vector<float> room_;
  ByteBuffer text_;
  Arena arena_{4096};
};

SearchFound search_exactly(Source& source, SearchRequest request, std::string column,
                           const StopFlag& stop) {
  if (request.query.empty()) refuse_text(source);
  refuse_zero_vector(request.query,
                     request.metric.empty() ? Metric::kCosine : metric_of(request.metric));
  if (source.row_shape() != nullptr) {
    column = escaped_path(column);
    if (request.key.empty()) request.key = source.info().key;
  }
  ExactPass pass(request, std::move(column), source.info().place);
  const std::unique_ptr<Cursor> cursor = open_whole(source);
  Arena arena;
  Batch batch(arena);
  for (; cursor->fill(batch, stop); batch.clear(), arena.reset())
    for (const Document& document : batch.documents) pass.add(document);
  if (stop.requested()) raise(Code::kInterrupted, "stopped while searching");
  return pass.found();
}

}  // namespace

bool only_vectors(const ColumnType& type) noexcept {
  return type.kind == Kind::kVector || type.kind == Kind::kHalfvec || type.kind == Kind::kSparsevec;
}

SearchFound search_source(Source& source, const SearchRequest& request, const StopFlag& stop) {
  refuse_bad_query(request.query);
  std::string column = request.column;
  if (const RowShape* shape = source.row_shape(); shape != nullptr && column.empty())
    column = only_column(*shape, source.info().collection);
  SearchSpec spec;
  spec.key = request.key;
  spec.vector = column;
  if (!request.metric.empty()) spec.metric = metric_of(request.metric);
  spec.documents = true;
  const std::unique_ptr<Search> search = source.search(spec);
  if (!search) return search_exactly(source, request, column, stop);
  SearchFound out;
  if (request.query.empty()) {
    std::optional<std::vector<Hit>> hits =
        search->nearest_to_text(request.text, request.k, request.filter);
    if (!hits) refuse_text(source);
    out.hits = std::move(*hits);
  } else {
    refuse_zero_vector(request.query, search->metric());
    out.hits = search->nearest(request.query, request.k, request.filter);
  }
  out.metric = metric_word(search->metric());
  out.how = search->how();
  out.key = search->key();
  return out;
}

}  // namespace lugger
