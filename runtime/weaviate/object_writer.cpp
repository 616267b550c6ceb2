#include "weaviate/object_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/coerce.hpp"
#include "value/json_text.hpp"
#include "value/pgrow_reader.hpp"
#include "weaviate/object_text.hpp"

namespace lugger {
namespace {

void append_quoted(std::string_view text, ByteBuffer& out) {
  static_cast<void>(json::write_string(out, text, {}));
}

/// {"[1,2]","[3,4]"} as [[1,2],[3,4]].
Failure append_vectors(const Value& value, ByteBuffer& out) {
  std::string_view text = value.text();
  // Nothing else gets into the JSON.
  if (text.size() < 2 || text.front() != '{' || text.back() != '}' ||
      text.find_first_not_of("0123456789+-.eE[],\" ", 1) != text.size() - 1)
    return Failure::kBadElement;
  text = text.substr(1, text.size() - 2);
  if (text.empty()) return Failure::kDimensions;
  out.push('[');
  for (const char c : text)
    if (c != '"' && c != ' ') out.push(static_cast<uint8_t>(c));
  out.push(']');
  return Failure::kNone;
}

Failure append_reference(const std::string& to, const Value& value, ByteBuffer& out) {
  constexpr std::string_view kBeacon = "weaviate://localhost/";
  if (to.empty() && !value.text().starts_with(kBeacon)) return Failure::kSyntax;
  out.append(R"({"beacon":)");
  if (to.empty()) {
    append_quoted(value.text(), out);
  } else {
    append_quoted(fmt::format("{}{}/{}", kBeacon, to, uuid_text(value.data)), out);
  }
  out.push('}');
  return Failure::kNone;
}

Failure append_scalar(const SlotLayout& slot, const ColumnType& type, const Value& value,
                      ByteBuffer& out) {
  switch (slot.form) {
    case ObjectForm::kReference: return append_reference(slot.to, value, out);
    case ObjectForm::kBool: out.append(value.i64 != 0 ? "true" : "false"); return Failure::kNone;
    case ObjectForm::kInt:
    case ObjectForm::kNumber: return append_number(value, out);
    case ObjectForm::kJson: out.append(value.bytes()); return Failure::kNone;
    case ObjectForm::kDate:
    case ObjectForm::kUuid:
    case ObjectForm::kBlob: {
      out.push('"');
      const Failure failure = append_plain(slot.form, type, value, out);
      out.push('"');
      return failure;
    }
    default: break;
  }
  const bool text = value.type == ValueType::kString || value.type == ValueType::kJson ||
                    value.type == ValueType::kPgText;
  append_quoted(text ? value.text() : coerced_text(value, type), out);
  return Failure::kNone;
}

}  // namespace

ObjectWriter::ObjectWriter(const TablePlan& table, const ClassLayout& layout, bool with_references)
    : table_(table), layout_(layout), ids_(table) {
  begin_ = R"({"class":")" + layout.class_name + R"(","id":")";
  end_ = layout.tenant.empty() ? "}" : R"(,"tenant":")" + layout.tenant + R"("})";
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const SlotLayout& slot = layout.slots[i];
    names_.push_back('"' + slot.name + "\":");
    if (slot.form == ObjectForm::kReference) references_.push_back(i);
    if (slot.form != ObjectForm::kVector) {
      const bool put = slot.form != ObjectForm::kReference || with_references;
      if (slot.form != ObjectForm::kId && put) properties_.push_back(i);
    } else if (slot.name.empty()) {
      only_vector_ = i;
    } else {
      vectors_.push_back(i);
    }
  }
}

Failure ObjectWriter::append(const Value* row, int& column, ByteBuffer& out) {
  column = table_.key.empty() ? -1 : static_cast<int>(table_.key[0]);
  const std::optional<Uuid> id = ids_.of(row);
  if (!id) return Failure::kRequired;
  out.append(begin_);
  id_ = uuid_text(id->data());
  out.append(id_);
  out.append(R"(","properties":{)");
  bool first = true;
  const auto name = [&](size_t slot) {
    if (!first) out.push(',');
    first = false;
    out.append(names_[slot]);
  };
  for (const size_t slot : properties_) {
    if (row[slot].absent()) continue;
    name(slot);
    column = static_cast<int>(slot);
    const Failure failure =
        append_property(layout_.slots[slot], table_.columns[slot].type, row[slot], out);
    if (failure != Failure::kNone) return failure;
  }
  out.push('}');
  if (only_vector_ != SIZE_MAX && !row[only_vector_].absent()) {
    out.append(R"(,"vector":)");
    append_scalar_text(row[only_vector_], out);
  }
  if (!vectors_.empty()) {
    out.append(R"(,"vectors":{)");
    first = true;
    for (const size_t slot : vectors_) {
      if (row[slot].absent()) continue;
      name(slot);
      column = static_cast<int>(slot);
      if (!layout_.slots[slot].array) {
        append_scalar_text(row[slot], out);
      } else if (const Failure bad = append_vectors(row[slot], out); bad != Failure::kNone) {
        return bad;
      }
    }
    out.push('}');
  }
  out.append(end_);
  return Failure::kNone;
}

Failure ObjectWriter::append_property(const SlotLayout& slot, const ColumnType& type,
                                      const Value& value, ByteBuffer& out) {
  if (slot.array) return append_array(slot, type, value.bytes(), out);
  if (slot.form != ObjectForm::kReference) return append_scalar(slot, type, value, out);
  out.push('[');
  const Failure failure = append_scalar(slot, type, value, out);
  out.push(']');
  return failure;
}

bool ObjectWriter::refers(const Value* row) const noexcept {
  return std::ranges::any_of(references_, [row](size_t slot) { return !row[slot].absent(); });
}

Failure ObjectWriter::append_array(const SlotLayout& slot, const ColumnType& type, Bytes array,
                                   ByteBuffer& out) {
  scratch_.reset();
  PgArrayReader reader(array);
  if (reader.dimensions() > 1) return Failure::kDimensions;
  const ColumnType element = type.element_type();
  out.push('[');
  for (bool first = true; reader.next(scratch_); first = false) {
    if (!first) out.push(',');
    if (reader.value().absent()) return Failure::kBadElement;
    const Failure failure = append_scalar(slot, element, reader.value(), out);
    if (failure != Failure::kNone) return failure;
  }
  out.push(']');
  return reader.malformed() ? Failure::kMalformed : Failure::kNone;
}

}  // namespace lugger
