#include "plan/reference.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "plan/plan.hpp"
#include "value/bson_reader.hpp"

namespace lugger {

namespace {

constexpr size_t kObjectIdDigits = 24;

bool is_text_kind(Kind kind) noexcept { return kind == Kind::kText || kind == Kind::kVarchar; }

bool is_object_id_hex(std::string_view text) noexcept {
  return text.size() == kObjectIdDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

/// A DBRef or DBPointer taken apart; any other value is itself the _id.
struct Pointer {
  Value id;
  std::string_view collection = {}, database = {};
};

Pointer take_apart(const Value& in) noexcept {
  if (in.type == ValueType::kDbPointer) {
    const BsonPair pair = split_db_pointer(in);
    const size_t dot = pair.first.find('.');
    Pointer out{Value::of(ValueType::kObjectId, pair.second)};
    if (dot == std::string_view::npos) return out;
    out.database = pair.first.substr(0, dot);
    out.collection = pair.first.substr(dot + 1);
    return out;
  }
  if (in.type != ValueType::kDocument) return {in};
  const Value collection = bson_field(in.bytes(), "$ref"), id = bson_field(in.bytes(), "$id");
  if (!is_text(collection.type) || id.type == ValueType::kMissing) return {in};
  const Value database = bson_field(in.bytes(), "$db");
  return {id, collection.text(), is_text(database.type) ? database.text() : std::string_view{}};
}

bool points_elsewhere(const Pointer& pointer, const Reference& ref) noexcept {
  if (pointer.collection.empty()) return false;
  return pointer.collection != ref.collection ||
         (!pointer.database.empty() && pointer.database != ref.database);
}

/// The _id as text, the way the column mongo_id of the other table has it.
Failure id_text(Coercer& c, const Value& id) {
  ByteBuffer& text = c.buffer();
  text.clear();
  if (c.policy().ref->from_hex && is_text(id.type) && is_object_id_hex(id.text())) {
    for (const char digit : id.text())
      text.push(static_cast<uint8_t>(digit >= 'A' && digit <= 'F' ? digit - 'A' + 'a' : digit));
    return Failure::kNone;
  }
  if (id.type == ValueType::kArray) return Failure::kWrongType;  // no _id is an array
  // The id is always made of the safe form, whatever form the column mongo_id has.
  const IdStyle style = c.type().kind == Kind::kUuid ? IdStyle::kSafe : c.policy().id_text;
  return append_id_text(id, style, text) ? Failure::kNone : Failure::kNul;
}

/// What a hook wrote may be a finished reference already.
bool is_finished(const Coercer& c, const Value& in) noexcept {
  if (c.type().kind != Kind::kUuid) return (in.flags & Value::kWritten) != 0 && is_text(in.type);
  unsigned char bytes[16];
  return in.type == ValueType::kUuid ||
         ((in.flags & Value::kWritten) != 0 && is_text(in.type) && parse_uuid(in.text(), bytes));
}

void check_column(const Column& column, const std::string& table) {
  const Kind kind = column.type.is_array() ? column.type.element : column.type.kind;
  const std::string place = table + "." + column.name;
  if (kind != Kind::kUuid && !is_text_kind(kind)) {
    throw Error(Code::kConfig,
                fmt::format("{}: a {} cannot hold a reference", place, column.type.sql),
                "ref makes uuid (the other row's id) or text (its mongo_id), or an array of these");
  }
  if (column.generate != Column::Generate::kNone)
    raise(Code::kConfig, "{}: ref and generate exclude each other", place);
  if (column.policy.ref->foreign_key && column.type.is_array()) {
    throw Error(Code::kConfig, fmt::format("{}: an array has no foreign key", place),
                "take fk = true away, or make the array a child table");
  }
}

void complete(std::vector<Column>& columns, const std::string& table, const Mapping& mapping) {
  for (Column& column : columns) {
    if (!column.policy.ref) continue;
    check_column(column, table);
    Reference ref = *column.policy.ref;
    const Kind kind = column.type.is_array() ? column.type.element : column.type.kind;
    if (ref.database.empty()) ref.database = mapping.database;
    if (ref.table.empty()) ref.table = ref.collection;
    if (ref.column.empty()) ref.column = kind == Kind::kUuid ? "id" : "mongo_id";
    ref.space = collection_namespace(ref.database, ref.collection);
    column.policy.ref = std::make_shared<const Reference>(std::move(ref));
  }
}

void complete(std::vector<ChildMapping>& children, const Mapping& mapping) {
  for (ChildMapping& child : children) {
    complete(child.columns, child.table, mapping);
    complete(child.children, mapping);
  }
}

}  // namespace

Failure coerce_reference(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  const bool uuid = c.type().kind == Kind::kUuid;
  if (is_finished(c, in))
    return uuid ? coerce_uuid(c, in, out, arena) : coerce_text(c, in, out, arena);
  const Pointer pointer = take_apart(in);
  if (points_elsewhere(pointer, *c.policy().ref)) return Failure::kOtherCollection;
  if (pointer.id.absent()) return null_out(out);
  if (const Failure failure = id_text(c, pointer.id); failure != Failure::kNone) return failure;
  if (uuid) {
    const Uuid id = uuid_v5(c.policy().ref->space, c.buffer().text());
    out = Value::of(ValueType::kUuid, Bytes{arena.copy(Bytes{id.data(), id.size()}), id.size()});
    return Failure::kNone;
  }
  const Value text = Value::of(ValueType::kString, arena.copy(c.buffer().text()));
  return coerce_text(c, text, out, arena);
}

void bind_references(Mapping& mapping) {
  complete(mapping.columns, mapping.table, mapping);
  complete(mapping.children, mapping);
}

void add_reference_constraints(const std::vector<TablePlan>& tables, Mapping& mapping) {
  for (const TablePlan& table : tables) {
    for (const Column& column : table.columns) {
      const Reference* ref = column.policy.ref.get();
      if (ref == nullptr || !ref->foreign_key) continue;
      ConstraintMapping constraint;
      constraint.table = table.name;
      constraint.foreign_key = {column.name};
      constraint.references = ref->table;
      constraint.referenced = {ref->column};
      const bool known = std::any_of(
          mapping.constraints.begin(), mapping.constraints.end(), [&](const auto& other) {
            const std::string& holder = other.table.empty() ? tables[0].name : other.table;
            return holder == constraint.table && other.foreign_key == constraint.foreign_key &&
                   other.references == constraint.references;
          });
      if (!known) mapping.constraints.push_back(std::move(constraint));
    }
  }
}

std::string describe_reference(const Column& column, const Value& raw) {
  const Reference& ref = *column.policy.ref;
  const bool uuid =
      (column.type.is_array() ? column.type.element : column.type.kind) == Kind::kUuid;
  std::string out =
      fmt::format("{} of {}.{}", uuid ? "id" : "mongo_id", ref.database, ref.collection);
  if (column.type.is_array()) return out + ", each element";
  Coercer coercer(column.type, column.policy);
  const Pointer pointer = take_apart(raw);
  if (!is_finished(coercer, raw) && id_text(coercer, pointer.id) == Failure::kNone)
    out += " " + std::string(coercer.buffer().text());
  return out;
}

}  // namespace lugger
