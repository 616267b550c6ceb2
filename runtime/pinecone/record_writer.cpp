#include "pinecone/record_writer.hpp"

#include <cmath>

#include "plan/coerce.hpp"
#include "store/key_text.hpp"
#include "value/json_text.hpp"
#include "value/pgrow_reader.hpp"
#include "vector/half.hpp"

namespace lugger {
namespace {

constexpr size_t kMostMetadata = 40 << 10, kMostSparse = 1000;

void append_quoted(std::string_view text, ByteBuffer& out) {
  static_cast<void>(json::write_string(out, text, {}));
}

bool is_plain_text(const Value& value) noexcept {
  return value.type == ValueType::kString || value.type == ValueType::kPgText;
}

/// pgvector's binary sparsevec without a number.
bool is_empty_sparse(const Value& value) noexcept { return load_be<uint32_t>(value.data + 4) == 0; }

}  // namespace

RecordWriter::RecordWriter(const TablePlan& table, RecordLayout layout,
                           const RecordOptions& options)
    : table_(table), layout_(std::move(layout)), options_(options), metadata_(options.policy) {
  for (size_t i = 0; i < layout_.slots.size(); ++i) {
    const RecordForm form = layout_.slots[i].form;
    if (form >= RecordForm::kMetadata && form <= RecordForm::kJson) fields_.push_back(i);
    if (form == RecordForm::kValues || form == RecordForm::kSparse) vectors_.push_back(i);
  }
}

Failure RecordWriter::append(const Value* row, int& column, ByteBuffer& out) {
  words_.clear();
  if (const Failure bad = take_id(row, column); bad != Failure::kNone) return bad;
  if (const Failure bad = take_group(row, column); bad != Failure::kNone) return bad;
  out.append(layout_.documents ? R"({"_id":)" : R"({"id":)");
  append_quoted(id_, out);
  if (const Failure bad = append_vectors(row, column, out); bad != Failure::kNone) return bad;
  if (const Failure bad = append_metadata(row, column, out); bad != Failure::kNone) return bad;
  out.push('}');
  return Failure::kNone;
}

Failure RecordWriter::append_vectors(const Value* row, int& column, ByteBuffer& out) {
  bool any = layout_.documents;
  for (const size_t slot : vectors_) {
    const RecordSlot& of = layout_.slots[slot];
    column = static_cast<int>(slot);
    const bool dense = of.form == RecordForm::kValues;
    if (row[slot].absent() || (!dense && is_empty_sparse(row[slot]))) {
      if (dense) return fail(Failure::kRequired, "a record has a vector");
      continue;
    }
    out.push(',');
    append_quoted(layout_.documents ? std::string_view(of.name)
                  : dense           ? "values"
                                    : "sparseValues",
                  out);
    out.push(':');
    const Failure bad = dense ? append_values(of, row[slot], out) : append_sparse(row[slot], out);
    if (bad != Failure::kNone) return bad;
    any = true;
  }
  return any ? Failure::kNone : fail(Failure::kRequired, "a record has a vector");
}

Failure RecordWriter::take_id(const Value* row, int& column) {
  key_.clear();
  for (const size_t slot : layout_.id) {
    column = static_cast<int>(slot);
    if (row[slot].absent()) return Failure::kRequired;
    key_.emplace_back(coerced_text(row[slot], table_.columns[slot].type));
  }
  id_ = options_.ids.encoded(*key_text(key_));
  const std::string_view why = why_no_id(id_);
  return why.empty() ? Failure::kNone : fail(Failure::kWrongType, std::string(why));
}

Failure RecordWriter::take_group(const Value* row, int& column) {
  if (!layout_.by_column) {
    group_ = layout_.name_space;
    return Failure::kNone;
  }
  const Value& name = row[*layout_.by_column];
  group_ = name.absent() ? std::string() : namespace_name(name.text(), options_.ids);
  column = static_cast<int>(*layout_.by_column);
  const std::string_view why = group_.empty() ? std::string_view() : why_no_id(group_);
  return why.empty() ? Failure::kNone
                     : fail(Failure::kWrongType, fmt::format("of namespaces, too: {}", why));
}

Failure RecordWriter::append_values(const RecordSlot& slot, const Value& value, ByteBuffer& out) {
  const bool half = value.type == ValueType::kHalfVector;
  const size_t width = half ? 2 : 4, count = value.size / width;
  if (slot.dimension != 0 && count != slot.dimension)
    return fail(Failure::kDimensions, fmt::format("a vector of {} dimensions, and the index has {}",
                                                  count, slot.dimension));
  out.push('[');
  bool zero = true;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* at = value.data + i * width;
    const float one =
        half ? static_cast<float>(double_from_half(load_le<uint16_t>(at))) : load_le<float>(at);
    zero = zero && one == 0;
    if (i != 0) out.push(',');
    json::write_shortest(out, one);
  }
  out.push(']');
  return zero ? Failure::kZero : Failure::kNone;
}

Failure RecordWriter::append_sparse(const Value& value, ByteBuffer& out) {
  constexpr size_t kHead = 12;
  const size_t count = load_be<uint32_t>(value.data + 4);
  if (count > kMostSparse)
    return fail(Failure::kTooLong, fmt::format("a sparse vector of {} numbers, and a record has {} "
                                               "at most",
                                               count, kMostSparse));
  out.append(R"({"indices":[)");
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out.push(',');
    json::write_integer(out, load_be<uint32_t>(value.data + kHead + 4 * i));
  }
  out.append(R"(],"values":[)");
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out.push(',');
    json::write_shortest(out, load_be<float>(value.data + kHead + 4 * (count + i)));
  }
  out.append("]}");
  return Failure::kNone;
}

Failure RecordWriter::append_metadata(const Value* row, int& column, ByteBuffer& out) {
  scratch_.clear();
  for (const size_t slot : fields_) {
    if (row[slot].absent()) continue;
    column = static_cast<int>(slot);
    const Failure bad = append_field(slot, row[slot], scratch_);
    if (bad == Failure::kNone) continue;
    if (words_.empty()) words_ = metadata_.words();
    return bad;
  }
  if (scratch_.size() == 0) return Failure::kNone;
  if (scratch_.size() > kMostMetadata) {
    column = -1;
    return fail(Failure::kTooLong,
                fmt::format("its metadata is {} bytes, and a record holds 40 KB", scratch_.size()));
  }
  out.append(layout_.documents ? "," : R"(,"metadata":{)");
  out.append(scratch_.text().substr(0, scratch_.size() - 1));
  if (!layout_.documents) out.push('}');
  return Failure::kNone;
}

Failure RecordWriter::append_field(size_t slot, const Value& value, ByteBuffer& out) {
  const RecordSlot& of = layout_.slots[slot];
  const ColumnType& type = table_.columns[slot].type;
  switch (of.form) {
    case RecordForm::kMetadata:
      return metadata_.members(
          value.text(), [this](std::string_view name) { return layout_.owns(name); }, out);
    case RecordForm::kJson: return metadata_.value(of.name, value.text(), out);
    case RecordForm::kNumber:
      if (value.type == ValueType::kDouble && !std::isfinite(value.f64)) return Failure::kNonFinite;
      return metadata_.number(of.name, coerced_text(value, type), out);
    case RecordForm::kList: return append_list(of, value, out);
    default: break;
  }
  append_quoted(of.name, out);
  out.push(':');
  if (of.form == RecordForm::kBool) {
    out.append(value.i64 != 0 ? "true" : "false");
  } else {
    append_quoted(is_plain_text(value) ? value.text() : coerced_text(value, type), out);
  }
  out.push(',');
  return Failure::kNone;
}

Failure RecordWriter::append_list(const RecordSlot& slot, const Value& value, ByteBuffer& out) {
  arena_.reset();
  PgArrayReader reader(value.bytes());
  if (reader.dimensions() > 1) return Failure::kDimensions;
  append_quoted(slot.name, out);
  out.append(":[");
  for (bool first = true; reader.next(arena_); first = false) {
    if (!first) out.push(',');
    if (reader.value().absent())
      return fail(Failure::kBadElement, fmt::format("{} holds a null, and lists of metadata are of "
                                                    "strings alone",
                                                    slot.name));
    append_quoted(reader.value().text(), out);
  }
  out.append("],");
  return reader.malformed() ? Failure::kMalformed : Failure::kNone;
}

Failure RecordWriter::settled(size_t slot, std::string_view json_text, ByteBuffer& out) {
  const RecordSlot& of = layout_.slots[slot];
  scratch_.clear();
  Failure failure = Failure::kNone;
  if (of.form == RecordForm::kMetadata) {
    failure = metadata_.members(
        json_text, [](std::string_view) { return false; }, scratch_);
  } else {
    failure = metadata_.value(of.name, json_text, scratch_);
  }
  if (failure != Failure::kNone || scratch_.size() == 0) return failure;
  std::string_view text = scratch_.text();
  text.remove_suffix(1);
  if (of.form == RecordForm::kMetadata) {
    out.push('{');
    out.append(text);
    out.push('}');
  } else {
    ByteBuffer name;
    append_quoted(of.name, name);
    out.append(text.substr(name.size() + 1));
  }
  return failure;
}

}  // namespace lugger
