#include "postgres/refusal.hpp"

#include "base/text.hpp"
#include "place/key.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {
namespace {

std::string note_of(const Error& error, std::string_view key) {
  for (const auto& [name, value] : error.notes()) {
    if (name == key) return value;
  }
  return {};
}

std::string key_text(const PgLoad& load, const UnitDocuments& unit, size_t document) {
  std::string out;
  for (size_t t = 0; t < load.tables.size() && load.tables[t].own; ++t) {
    const Value* row = unit.row_of(t, document);
    if (row == nullptr) continue;
    const TablePlan& table = load.plan.tables()[t];
    for (size_t slot : table.key) {
      if (!out.empty()) out += ", ";
      out += coerced_text(row[slot], table.columns[slot].type);
    }
    break;
  }
  return out;
}

/// True when the document may be taken once rows of others are there, or have gone.
bool waits_for_others(const Error& error) {
  const std::string& state = error.sqlstate();
  // A foreign key, a unique value, an exclusion.
  return state == "23503" || state == "23505" || state == "23P01";
}

std::string key_of(const Document& document) {
  const Value id = document.format == Format::kBson ? bson_field(document.bytes(), "_id") : Value();
  if (id.type == ValueType::kMissing) return {};
  ByteBuffer out;
  return std::string(as_text(write_key(id, out)));
}

}  // namespace

std::string unit_document_id(const PgLoad& load, const UnitDocuments& unit, size_t document) {
  const Document& found = unit.document(document);
  if (found.format == Format::kBson) {
    std::string id = document_id(found, load.plan.mapping());
    if (id != "?") return id;
  }
  const std::string key = key_text(load, unit, document);
  return key.empty() ? "?" : key;
}

RejectRecord server_reject(const PgLoad& load, const UnitDocuments& unit, size_t document,
                           const Error& error, const UnitRecord& record) {
  const Document& refused = unit.document(document);
  RejectRecord out;
  out.run = record.run;
  out.place = document;
  out.table = note_of(error, "table");
  if (out.table.empty()) out.table = load.plan.tables()[0].name;
  out.document_id = unit_document_id(load, unit, document);
  out.column = note_of(error, "column");
  out.code = "server";
  out.message = error.message();
  out.constraint = note_of(error, "constraint");
  if (!out.constraint.empty() && out.message.find(out.constraint) == std::string::npos) {
    out.message += " (constraint " + out.constraint + ")";
  }
  out.operation = unit.deletes(document) ? Operation::kDelete : Operation::kUpsert;
  if (record.keeps_refused && waits_for_others(error)) out.key = key_of(refused);
  out.document = document_json(refused);
  if (!unit.batch(document).of_script) out.raw = keep_document(refused);
  return out;
}

Error conflict_error(const PgLoad& load, const UnitDocuments& unit, size_t document,
                     const Error& error) {
  const std::string key = key_text(load, unit, document);
  Error out(Code::kConflict,
            fmt::format("{}: key {} is taken already: {}", load.plan.tables()[0].name,
                        key.empty() ? "?" : key, error.message()),
            "set on_conflict = \"skip\" to keep what is there, \"update\" to overwrite it, "
            "\"newer\" to let the newer "
            "row win",
            error.sqlstate());
  const std::string constraint = note_of(error, "constraint");
  if (!constraint.empty()) out.note("constraint", constraint);
  out.note("document", unit_document_id(load, unit, document));
  return out;
}

}  // namespace lugger
