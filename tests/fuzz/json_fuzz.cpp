// Any text as Extended JSON: whole, in pieces and where it lies it must give the same documents or
// an error at the same place, and those must be BSON.
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"

using namespace lugger;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::string> documents;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

void take_all(JsonReader& reader, std::string_view text, Outcome& outcome) {
  for (ByteBuffer out; reader.next(out); out.clear()) {
    require(validate_bson(out.view()) == BsonFault::kNone);
    require(reader.consumed() <= text.size());
    outcome.documents.emplace_back(out.text());
  }
}

/// piece 0: where it lies.
Outcome read(std::string_view text, size_t piece) {
  Outcome outcome;
  const std::string padded = std::string(text) + std::string(JsonReader::kPadding, '}');
  try {
    JsonReader reader;
    if (piece == 0) {
      reader.feed_in_place(as_bytes(padded).first(text.size()));
      take_all(reader, text, outcome);
      return outcome;
    }
    for (size_t at = 0;; at += piece) {
      const bool last = at + piece >= text.size();
      reader.feed(as_bytes(text.substr(std::min(at, text.size()), piece)), last);
      take_all(reader, text, outcome);
      if (last) return outcome;
    }
  } catch (const Error& error) {
    require(error.code() == Code::kParse);
    outcome.error = error.message();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = 1 + data[0] % 64;
  const std::string_view text = as_text(Bytes(data, size)).substr(1);
  const Outcome whole = read(text, text.size() + 1);
  const Outcome pieces = read(text, piece);
  require(whole.documents == pieces.documents);
  require(whole.error.empty() == pieces.error.empty());
  require(whole == read(text, 0));
  for (const std::string& bson : whole.documents) {
    const Document document{reinterpret_cast<const uint8_t*>(bson.data()),
                            static_cast<uint32_t>(bson.size())};
    for (const JsonStyle style :
         {JsonStyle::kCanonical, JsonStyle::kRelaxed, JsonStyle::kPlain, JsonStyle::kTyped}) {
      document_json(document, style);
    }
  }
  try {
    bson_from_json(text);
  } catch (const Error&) {
  }
  return 0;
}
