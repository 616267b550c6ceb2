#include "value/projection.hpp"

#include <charconv>

#include "base/error.hpp"
#include "value/bson_reader.hpp"

namespace lugger {

namespace {

/// A document or an array of what `fill` writes.
template <typename Fill>
void nest(ByteBuffer& out, Fill&& fill) {
  const size_t start = out.size();
  out.append_le<int32_t>(0);
  fill();
  out.push(0);
  store_le<int32_t>(out.data() + start, static_cast<int32_t>(out.size() - start));
}

void element(ByteBuffer& out, uint8_t type, std::string_view name) {
  out.push(type);
  out.append(name);
  out.push(0);
}

}  // namespace

Projection::Projection(bool keep, const std::vector<std::string>& paths) : keep_(keep) {
  for (const std::string& path : paths) {
    trie_.add(path, 0);
    size_t at = 0;
    for (const std::string& name : split_path(path)) {
      size_t hint = 0;
      at = trie_.find(trie_.node(at), name, hint)->node;
      const PathTrie::Node& node = trie_.node(at);
      if (!node.takers.empty() && !node.edges.empty())
        throw Error(Code::kConfig, fmt::format("project: \"{}\" lies inside another path", path),
                    "name a field or what is in it, not both");
    }
  }
}

std::string Projection::apply(Bytes document) const {
  ByteBuffer out;
  copy(0, document, out);
  return std::string(out.text());
}

void Projection::copy(size_t node, Bytes from, ByteBuffer& out) const {
  nest(out, [&] {
    size_t hint = 0;
    for (BsonReader reader(from); reader.next();) {
      const Value& value = reader.value();
      const PathTrie::Edge* edge = trie_.find(trie_.node(node), reader.name(), hint);
      const bool named = edge != nullptr && !trie_.node(edge->node).takers.empty();
      const bool array = value.type == ValueType::kArray;
      if (edge != nullptr && !named && (array || value.type == ValueType::kDocument)) {
        element(out, reader.element()[0], reader.name());
        array ? copy_array(edge->node, value.bytes(), out) : copy(edge->node, value.bytes(), out);
      } else if (named == keep_) {
        out.append(reader.element());
      }
    }
  });
}

/// Of an array the documents in it are asked; other elements stay where fields are left out.
void Projection::copy_array(size_t node, Bytes from, ByteBuffer& out) const {
  nest(out, [&] {
    int place = 0;
    for (BsonReader reader(from); reader.next();) {
      const Value& value = reader.value();
      const bool array = value.type == ValueType::kArray;
      const bool inside = array || value.type == ValueType::kDocument;
      if (!inside && keep_) continue;
      char name[16];
      const char* end = std::to_chars(name, name + sizeof name, place++).ptr;
      element(out, reader.element()[0], {name, static_cast<size_t>(end - name)});
      if (!inside)
        out.append(reader.element().subspan(reader.name().size() + 2));
      else
        array ? copy_array(node, value.bytes(), out) : copy(node, value.bytes(), out);
    }
  });
}

}  // namespace lugger
