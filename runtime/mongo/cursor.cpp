#include "mongo/cursor.hpp"

#include <utility>

#include "mongo/command.hpp"

namespace lugger {

void MongoCursor::open(Bytes command) {
  take(client_.run(database_, command, server_), "firstBatch");
}

bool MongoCursor::next(Bytes& document) {
  if (!documents_in_ || !documents_in_->next()) {
    if (documents_in_ && documents_in_->fault() != BsonFault::kNone)
      raise(Code::kRead, "a reply of the server is damaged: {}",
            fault_text(documents_in_->fault()));
    return false;
  }
  const Value& value = documents_in_->value();
  if (value.type != ValueType::kDocument)
    raise(Code::kRead, "a reply of the server holds something that is no document");
  document = value.bytes();
  ++given_;
  return true;
}

void MongoCursor::send_ahead() {
  if (id_ == 0 || std::exchange(ahead_, true)) return;
  MongoCommand command("getMore", Value::of(ValueType::kInt64, id_));
  command.add("collection", collection_);
  if (documents_ != 0) command.add("batchSize", documents_);
  if (wait_ms_ != 0) command.add("maxTimeMS", wait_ms_);
  client_.send(database_, command.done(), server_);
}

void MongoCursor::fetch() {
  send_ahead();
  ahead_ = false;
  try {
    take(client_.receive(), "nextBatch");
  } catch (const Error&) {
    id_ = 0;
    throw;
  }
}

void MongoCursor::take(MongoReply reply, std::string_view batch) {
  const Value body = reply["cursor"];
  const Value documents = bson_field(body.bytes(), batch);
  const Value id = bson_field(body.bytes(), "id"), ns = bson_field(body.bytes(), "ns");
  if (body.type != ValueType::kDocument || documents.type != ValueType::kArray)
    raise(Code::kRead, "the server answered without a cursor.{}", batch);
  id_ = id.type == ValueType::kInt64 || id.type == ValueType::kInt32 ? id.i64 : 0;
  if (ns.type == ValueType::kString) {
    const std::string_view name = ns.text();
    collection_ = name.substr(std::min(name.find('.'), name.size() - 1) + 1);
  }
  body_ = body.bytes();
  documents_in_.emplace(documents.bytes());
  given_ = 0;
  reply_ = std::move(reply);
}

void MongoCursor::close() noexcept {
  const int64_t id = std::exchange(id_, 0);
  if (client_.given_up()) return;
  try {
    if (std::exchange(ahead_, false)) client_.receive();
    if (id == 0) return;
    MongoCommand command("killCursors", collection_);
    command.begin_array("cursors").push(Value::of(ValueType::kInt64, id)).end();
    client_.run(database_, command.done(), server_);
  } catch (const std::exception&) {
    // The server closes what nobody asks for.
  }
}

}  // namespace lugger
