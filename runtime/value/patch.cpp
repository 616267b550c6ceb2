#include "value/patch.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"

namespace lugger {

namespace {

/// The edits as a tree of names.
struct Node {
  std::string name;
  const Edit* edit = nullptr;
  std::vector<Node> children;
  bool met = false;
  size_t last = 0;  // number of the last field of this name, which is the one that counts

  Node* find(std::string_view wanted) {
    const auto at = std::find_if(children.begin(), children.end(),
                                 [&](const Node& child) { return child.name == wanted; });
    return at == children.end() ? nullptr : &*at;
  }
  bool only_removes() const {
    if (edit != nullptr) return edit->value.type == ValueType::kMissing;
    return std::all_of(children.begin(), children.end(),
                       [](const Node& child) { return child.only_removes(); });
  }
};

void add(Node& root, const Edit& edit) {
  Node* at = &root;
  for (const std::string& name : edit.path) {
    Node* child = at->find(name);
    if (child == nullptr) {
      at->children.push_back({name, nullptr, {}, false, 0});
      child = &at->children.back();
    }
    at = child;
    if (at->edit != nullptr) break;
  }
  if (at->edit != nullptr || !at->children.empty())
    throw Error(Code::kConfig,
                fmt::format("\"{}\" is changed twice: as a whole and in part, or under one path",
                            fmt::join(edit.path, ".")));
  at->edit = &edit;
}

const Edit& any_edit(const Node& node) {
  return node.edit != nullptr ? *node.edit : any_edit(node.children.front());
}

Value as_replaced(const Edit& edit, const Value& old) {
  const bool whole = edit.value.type == ValueType::kInt32 || edit.value.type == ValueType::kInt64;
  if (!edit.plain_number || !whole) return edit.value;
  if (old.type == ValueType::kInt64) return Value::of(ValueType::kInt64, edit.value.i64);
  if (old.type != ValueType::kDouble) return edit.value;
  return Value::of_double(static_cast<double>(edit.value.i64));
}

class Patch {
 public:
  explicit Patch(ByteBuffer& out) : out_(out) {}

  void run(Bytes document, bool array, Node& edits) {
    array ? out_.begin_array() : out_.begin_document();
    fields(document, array, edits);
    out_.end();
  }

 private:
  void fields(Bytes document, bool array, Node& edits) {
    size_t number = 0;
    for (BsonReader reader(document); reader.next(); ++number) {
      if (Node* edit = edits.find(reader.name())) edit->last = number;
    }
    number = 0;
    size_t place = 0;  // of the next element of an array
    BsonReader reader(document);
    for (; reader.next(); ++number) {
      Node* edit = edits.find(reader.name());
      const std::string name = array ? fmt::to_string(place) : std::string(reader.name());
      if (edit == nullptr) {
        reader.name() == name ? out_.append_element(reader.element())
                              : out_.append(name, reader.value());
        ++place;
      } else if (edit->last == number) {  // of fields with the same name one is left
        edit->met = true;
        place += one(name, reader, *edit) ? 1 : 0;
      }
    }
    if (reader.fault() != BsonFault::kNone)
      throw Error(Code::kRead, "the bytes of the document are not valid");
    for (Node& node : edits.children) {
      if (node.met || node.only_removes()) continue;
      if (array && node.name != fmt::to_string(place))
        throw Error(Code::kCoerce,
                    fmt::format("\"{}\": the array has {} elements",
                                fmt::join(any_edit(node).path, "."), place),
                    fmt::format("the next one is {}", place));
      added(node);
      ++place;
    }
  }

  /// True when the element stays.
  bool one(const std::string& name, const BsonReader& reader, Node& edit) {
    const Value& old = reader.value();
    if (edit.edit != nullptr) {
      const bool stays = edit.edit->value.type != ValueType::kMissing;
      if (stays) out_.append(name, as_replaced(*edit.edit, old));
      return stays;
    }
    if (old.type == ValueType::kDocument || old.type == ValueType::kArray) {
      const bool array = old.type == ValueType::kArray;
      array ? out_.begin_array(name) : out_.begin_document(name);
      fields(old.bytes(), array, edit);
      out_.end();
      return true;
    }
    if (!edit.only_removes())
      throw Error(Code::kCoerce,
                  fmt::format("\"{}\": {} is a {}, which has no fields",
                              fmt::join(any_edit(edit).path, "."), edit.name, type_word(old.type)),
                  "give it as a whole");
    out_.append(name, old);
    return true;
  }

  void added(const Node& node) {
    if (node.edit != nullptr) return out_.append(node.name, node.edit->value);
    out_.begin_document(node.name);
    for (const Node& child : node.children) {
      if (!child.only_removes()) added(child);
    }
    out_.end();
  }

  BsonWriter out_;
};

}  // namespace

void append_patched(Bytes document, bool array, std::span<const Edit> edits, ByteBuffer& out) {
  Node root;
  for (const Edit& edit : edits) add(root, edit);
  Patch(out).run(document, array, root);
}

}  // namespace lugger
