// FFI: documents and arrays, field by field.
#include <cstring>
#include <new>
#include <type_traits>

#include "base/arena.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "value/bson_reader.hpp"
#include "value/document.hpp"
#include "value/looked_into.hpp"
#include "value/marked.hpp"
#include "value/path.hpp"
#include "value/pgrow_reader.hpp"
#include "value/row_bson.hpp"

namespace lugger {

static_assert(sizeof(lug_value) == sizeof(Value) &&
              offsetof(lug_value, data) == offsetof(Value, data));
static_assert(offsetof(lug_value, size) == offsetof(Value, size) &&
              offsetof(lug_value, aux) == offsetof(Value, aux));
static_assert(sizeof(lug_document) == sizeof(Document) &&
              offsetof(lug_document, shape) == offsetof(Document, shape));
static_assert(offsetof(lug_document, size) == offsetof(Document, size) &&
              offsetof(lug_document, format) == offsetof(Document, format));

namespace {

struct Iteration {
  Document document;
  Arena* arena = nullptr;  // of a row
  BsonReader bson{Bytes{}};
  alignas(PgRowReader) unsigned char row[sizeof(PgRowReader)];
};
static_assert(sizeof(Iteration) <= sizeof(lug_iter::state) &&
              std::is_trivially_destructible_v<Iteration> &&
              std::is_trivially_destructible_v<PgRowReader>);

Iteration& iteration(lug_iter* iter) {
  return *std::launder(reinterpret_cast<Iteration*>(iter->state));
}
PgRowReader& row_reader(Iteration& state) {
  return *std::launder(reinterpret_cast<PgRowReader*>(state.row));
}

}  // namespace

Document document_of(const lug_doc& doc) noexcept {
  Document document;
  document.data = doc.lug_data_;
  document.size = doc.lug_size_;
  document.format = static_cast<Format>(doc.lug_format_);
  document.shape = static_cast<const RowShape*>(doc.lug_shape_);
  return document;
}

}  // namespace lugger

using namespace lugger;

static int give(lug_value* out, const Value& value) noexcept {
  as_value(*out) = value;
  return static_cast<int>(value.type);
}

extern "C" {

int lug_abi_version(void) noexcept { return LUG_ABI_VERSION; }

const uint8_t* lug_arena_copy(void* arena, const char* bytes, uint32_t size) noexcept {
  try {
    return static_cast<Arena*>(arena)->copy(Bytes{reinterpret_cast<const uint8_t*>(bytes), size});
  } catch (const std::exception&) {
    return nullptr;
  }
}

int lug_json_value(void* arena, const lug_value* json, lug_value* out) noexcept {
  Value value = as_value(*json);
  read_json_value(value.text(), *static_cast<Arena*>(arena), value);
  return give(out, value);
}

void lug_iter_start(lug_iter* iter, const lug_doc* doc) noexcept {
  auto* state = new (iter->state) Iteration;
  state->document = document_of(*doc);
  iter->kind = doc->lug_format_;
  if (state->document.format == Format::kBson) {
    state->bson = BsonReader(state->document.bytes());
  } else {
    state->arena = static_cast<Arena*>(doc->lug_batch_->arena);
    new (state->row) PgRowReader(state->document, *state->arena);
  }
}

int lug_iter_next(lug_iter* iter) noexcept {
  Iteration& state = iteration(iter);
  const bool bson = state.document.format == Format::kBson;
  const bool more = bson ? state.bson.next() : row_reader(state).next();
  if (!more) {
    const bool bad = bson ? state.bson.fault() != BsonFault::kNone : row_reader(state).malformed();
    return bad ? -1 : 0;
  }
  const std::string_view name = bson ? state.bson.name() : row_reader(state).name();
  iter->name = name.data();
  iter->name_size = static_cast<uint32_t>(name.size());
  Value& value = as_value(iter->value);
  value = bson ? state.bson.value() : row_reader(state).value();
  if (value.type == ValueType::kJson) read_json_value(value.text(), *state.arena, value);
  return 1;
}

int lug_doc_field(const lug_doc* doc, const char* name, uint32_t size, lug_value* out) noexcept {
  const Document document = document_of(*doc);
  if (document.format == Format::kBson)
    return give(out, bson_field(document.bytes(), {name, size}));
  return give(out, document_field(document, {name, size}, Opened::kWhole,
                                  *static_cast<Arena*>(doc->lug_batch_->arena)));
}

uint32_t lug_row_bson(const lug_doc* doc, char* out, uint32_t room) noexcept {
  try {
    Arena arena(4096);
    ByteBuffer bson;
    append_row(document_of(*doc), arena, bson);
    return give_text(bson.text(), out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

uint32_t lug_value_marked(const lug_value* value, char* out, uint32_t room) noexcept {
  try {
    ByteBuffer payload;
    if (is_marked_type(as_value(*value).type)) append_marked(as_value(*value), payload);
    return give_text(payload.text(), out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

int lug_batch_values(const lug_batch* batch, const char* path, uint32_t size,
                     lug_value* out) noexcept {
  try {
    const std::vector<std::string> names = split_path({path, size});
    for (uint32_t i = 0; i < batch->count; ++i) {
      const auto& document = reinterpret_cast<const Document&>(batch->documents[i]);
      give(out + i, value_at(document, names, *static_cast<Arena*>(batch->arena)));
    }
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}

int lug_doc_path(const lug_doc* doc, const char* path, uint32_t size, lug_value* out) noexcept {
  try {
    Arena none(0);  // only rows convert anything, and they have a batch
    Arena& arena = doc->lug_batch_ == nullptr ? none : *static_cast<Arena*>(doc->lug_batch_->arena);
    return give(out, value_at(document_of(*doc), split_path({path, size}), arena));
  } catch (const std::exception&) {
    return -1;
  }
}

int lug_doc_at(const lug_doc* doc, uint32_t index, lug_value* out) noexcept {
  uint32_t at = 0;
  for (BsonReader reader({doc->lug_data_, doc->lug_size_}); reader.next(); ++at) {
    if (at == index) return give(out, reader.value());
  }
  return give(out, Value{});
}

int lug_doc_count(const lug_doc* doc) noexcept {
  const Document document = document_of(*doc);
  if (document.format == Format::kPgRow) return static_cast<int>(document.shape->fields.size());
  lug_iter iter;
  lug_iter_start(&iter, doc);
  int count = 0;
  for (;; ++count) {
    const int next = lug_iter_next(&iter);
    if (next != 1) return next == 0 ? count : -1;
  }
}

}  // extern "C"
