// JSON as metadata of Pinecone: strings, numbers that are doubles, booleans, lists of strings.
#pragma once
#include <fmt/format.h>
#include <simdjson.h>

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "plan/failure.hpp"

namespace lugger {

struct MetadataPolicy {
  bool drop_nulls = true;     // a null is left out; otherwise the record is refused
  bool nested_json = false;   // what is nested is kept as the text of its JSON
  bool numbers_text = false;  // a number that a double would round is kept as text
};

/// Belongs to one worker.
class MetadataWriter {
 public:
  explicit MetadataWriter(MetadataPolicy policy) : policy_(policy) {}

  /// Appends `"name":value,` for each member of a JSON object, of which `own` says that it is a
  /// column's.
  template <typename Own>
  Failure members(std::string_view json, Own&& own, ByteBuffer& out);
  /// Appends `"name":value,`, or nothing of a null.
  Failure value(std::string_view name, std::string_view json, ByteBuffer& out);
  /// Appends a number, or what stands for it.
  Failure number(std::string_view name, std::string_view digits, ByteBuffer& out);
  /// Of the last failure.
  const std::string& words() const noexcept { return words_; }

 private:
  using Element = simdjson::ondemand::value;
  Failure element(std::string_view name, Element value, ByteBuffer& out);
  Failure list(std::string_view name, Element value, ByteBuffer& out);
  Failure nested(std::string_view name, std::string_view json, ByteBuffer& out);
  Failure fail(Failure failure, std::string words) {
    words_ = std::move(words);
    return failure;
  }
  simdjson::ondemand::document parsed(std::string_view json);
  Failure check_name(std::string_view name);

  const MetadataPolicy policy_;
  simdjson::ondemand::parser parser_;
  std::string text_, words_;
};

template <typename Own>
Failure MetadataWriter::members(std::string_view json, Own&& own, ByteBuffer& out) {
  try {
    simdjson::ondemand::document document = parsed(json);
    simdjson::ondemand::object all;
    if (document.get_object().get(all) != simdjson::SUCCESS)
      return fail(Failure::kWrongType, "metadata is an object, and this is none");
    for (auto field : all) {
      const std::string name(std::string_view(field.unescaped_key()));
      if (const Failure bad = check_name(name); bad != Failure::kNone) return bad;
      if (own(name))
        return fail(Failure::kWrongType,
                    fmt::format("the metadata has a field {}, which is a column, too", name));
      const Failure failure = element(name, field.value(), out);
      if (failure != Failure::kNone) return failure;
    }
    return Failure::kNone;
  } catch (const simdjson::simdjson_error& error) {
    return fail(Failure::kSyntax, fmt::format("the metadata is no JSON: {}", error.what()));
  }
}

}  // namespace lugger
