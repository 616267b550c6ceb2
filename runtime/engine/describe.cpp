#include "engine/describe.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "place/whole.hpp"
#include "plan/infer.hpp"

namespace lugger {

namespace {

/// A field with nearly always the same type may still be worth a typed column.
std::string minority_note(const FieldSummary& field) {
  if (field.types.size() < 2 || field.suggests != "jsonb") return {};
  uint64_t others = 0;
  for (size_t i = 1; i < field.types.size(); ++i) others += field.types[i].values;
  const uint64_t all = others + field.types[0].values;
  if (others * 10 > all) return {};
  return fmt::format("{} of {} values are not {}", others, all, field.types[0].type);
}

FieldSummary summarise(const FieldFacts& field) {
  FieldSummary out;
  out.path = field.name;
  out.seen = field.documents;
  out.nulls = field.count(ValueType::kNull) + field.count(ValueType::kUndefined);
  for (const ValueType kind : field.kinds())
    out.types.push_back({std::string(type_word(kind)), field.count(kind)});
  std::stable_sort(out.types.begin(), out.types.end(),
                   [](const TypeCount& a, const TypeCount& b) { return a.values > b.values; });
  out.suggests = field.name == "_id" ? "text" : narrowest_type(field);
  out.note = minority_note(out);
  if (field.nul_in_text)
    out.note = "has text with NUL bytes: choose nul = \"strip\" or \"replace\"";
  return out;
}

/// A row's column keeps the type that it has.
FieldSummary summarise(const RowShape::Field& column, const FieldsSeen& seen) {
  FieldSummary out;
  const auto& fields = seen.fields();
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const FieldFacts& one) { return one.name == column.name; });
  if (found != fields.end()) out = summarise(*found);
  out.path = column.name;
  out.suggests = declared_type(column);
  out.note.clear();
  return out;
}

}  // namespace

bool look_at_fields(Source& source, uint64_t limit, FieldsSeen& seen, const StopFlag* stop) {
  Arena arena;
  Batch batch(arena);
  if (const RowShape* shape = source.row_shape()) seen.expect(*shape);
  const std::unique_ptr<Cursor> cursor = open_whole(source);
  for (; cursor->fill(batch, or_never(stop)); batch.clear(), arena.reset()) {
    for (const Document& document : batch.documents) {
      if (limit != 0 && seen.documents() >= limit) return false;
      seen.add(document);
    }
    if (stop != nullptr && stop->requested())
      throw Error(Code::kInterrupted, "stopped while taking a first look at the source");
  }
  return true;
}

Description describe_source(Source& source, uint64_t limit, const StopFlag* stop) {
  Description out;
  FieldsSeen seen;
  out.complete = look_at_fields(source, limit, seen, stop);
  out.info = source.info();
  out.documents = seen.documents();
  out.malformed = seen.malformed();
  if (const RowShape* rows = seen.rows()) {
    for (const RowShape::Field& column : rows->fields)
      out.fields.push_back(summarise(column, seen));
    return out;
  }
  for (const FieldFacts& field : seen.fields()) out.fields.push_back(summarise(field));
  return out;
}

}  // namespace lugger
