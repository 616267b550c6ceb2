// What the value tests share: files of tests/data, and documents made by hand.
#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "test_data.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"

namespace lugger::test {

inline std::string read_file(const std::string& name) {
  std::ifstream in(test_data() + "/" + name, std::ios::binary);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// The documents of a dump file, one after another.
inline std::vector<std::string> documents(const std::string& name) {
  const std::string all = read_file(name);
  std::vector<std::string> out;
  for (size_t at = 0; at < all.size();) {
    const auto size = static_cast<size_t>(load_le<int32_t>(all.data() + at));
    REQUIRE(at + size <= all.size());
    out.push_back(all.substr(at, size));
    at += size;
  }
  return out;
}

/// Every document of JSON text, fed in pieces of that many bytes (0: all at once), as BSON.
inline std::vector<std::string> read_json(std::string_view text, size_t piece = 0) {
  JsonReader reader;
  ByteBuffer out;
  std::vector<std::string> documents;
  if (piece == 0) piece = text.size() + 1;
  for (size_t at = 0;; at += piece) {
    const bool last = at + piece >= text.size();
    reader.feed(as_bytes(text.substr(std::min(at, text.size()), piece)), last);
    while (reader.next(out)) {
      documents.emplace_back(out.text());
      out.clear();
    }
    if (last) return documents;
  }
}

inline Document bson_document(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<uint32_t>(bytes.size())};
}

inline std::string as_json(std::string_view bson, JsonStyle style = JsonStyle::kCanonical) {
  return document_json(bson_document(bson), style);
}

/// A document of one field.
inline std::string bson_of(std::string_view name, const Value& value) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append(name, value);
  writer.end();
  return std::string(out.text());
}

}  // namespace lugger::test
