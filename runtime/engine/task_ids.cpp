#include "engine/task_ids.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/id_text.hpp"

namespace lugger {

namespace {

constexpr uint8_t kBinary = 5, kUuidSubtype = 4;

/// The document with one more field, the last.
Bytes with_uuid(Bytes document, std::string_view name, const Uuid& id, Arena& arena) {
  ArenaWriter out(arena, document.size() + name.size() + id.size() + 16);
  out.append(document.first(document.size() - 1));
  out.push(kBinary);
  out.append(name);
  out.push(0);
  out.append_le(static_cast<int32_t>(id.size()));
  out.push(kUuidSubtype);
  out.append(id.data(), id.size());
  out.push(0);
  store_le(out.data(), static_cast<int32_t>(out.size()));
  return out.finish();
}

}  // namespace

AddedIds::AddedIds(const PlanShape& shape)
    : shape_(shape),
      space_(collection_namespace(shape.mapping().database, shape.mapping().collection)) {
  const TablePlan& table = shape.tables().front();
  for (const Column& column : table.columns)
    if (column.generate == Column::Generate::kV5) columns_.push_back(column.name);
  for (const size_t part : table.key) {
    const Column& column = table.columns[part];
    if (column.generate != Column::Generate::kV5) key_.push_back(column.name);
    alone_ = column.id_text_column && table.key.size() == 1;
  }
}

Bytes AddedIds::complete(Bytes row, const GivenDocument& of, Arena& arena) {
  const auto brings = [&](const std::string& name) { return !bson_field(row, name).absent(); };
  if (std::all_of(columns_.begin(), columns_.end(), brings)) return row;
  const Uuid id = id_of(row, of);
  Bytes out = row;
  for (const std::string& name : columns_)
    if (!brings(name)) out = with_uuid(out, name, id, arena);
  return out;
}

void AddedIds::note_written(const Batch& batch) {
  written_.insert(&batch);
  const auto added = origins_.lower_bound({&batch, 0});
  if (added == origins_.end() || added->first.first != &batch) return;
  throw Error(Code::kConfig,
              fmt::format("out:write(batch) behind out:add(row, doc): the added row has the id of "
                          "its document in column {}, and the document's own row would have it too",
                          columns_.front()),
              "call out:write(batch) first; or give the added row its id");
}

/// A document's first row has the document's id; any other is named by its key, as a row that a
/// hook emits is.
Uuid AddedIds::id_of(Bytes row, const GivenDocument& of) {
  const std::string key = key_of(row);
  if (of.batch == nullptr) {
    if (key.empty()) refuse();
    return uuid_v5(space_, key);
  }
  const Document& document = of.batch->documents[of.index];
  Origin& origin = origins_[{of.batch, of.index}];
  if (origin.rows == 0 && written_.count(of.batch) != 0) origin.rows = 1;
  if (origin.rows++ == 0) {
    origin.key = key;
    origin.id = uuid_v5(space_, name_of(document, key));
    return origin.id;
  }
  if (key.empty()) {
    const std::string id = document_id(document, shape_.mapping());
    return uuid_v5(space_, fmt::format("{}\x1f{}", id, origin.rows - 1));
  }
  return key == origin.key ? origin.id : uuid_v5(space_, key);
}

std::string AddedIds::key_of(Bytes row) const {
  std::string out;
  for (const std::string& name : key_) {
    ByteBuffer text;
    append_id_text(bson_field(row, name), IdStyle::kPlain, text);
    out += text.text();
    if (!alone_) out += '\x1f';
  }
  return out.find_first_not_of('\x1f') == std::string::npos ? std::string() : out;
}

std::string AddedIds::name_of(const Document& document, const std::string& key) const {
  ByteBuffer text;
  const bool bson = document.format == Format::kBson;
  if (bson && append_id_text(bson_field(document.bytes(), "_id"), IdStyle::kSafe, text))
    return std::string(text.text());
  if (key.empty()) refuse();
  return key;
}

void AddedIds::refuse() const {
  throw Error(
      Code::kConfig,
      fmt::format("{}: there is nothing to compute the id of column {} from: generate = "
                  "'v5' takes the _id of the row's document, or the row's key",
                  shape_.tables().front().name, columns_.front()),
      "out:add(row, doc) names the document; or give the row its id, or the column generate "
      "= 'v7'");
}

}  // namespace lugger
