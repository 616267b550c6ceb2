#include "pinecone/manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

constexpr size_t kLongest = 120;  // characters of a tag's value
constexpr std::string_view kMark = "lugger_";

struct TextField {
  std::string_view name;
  std::string VectorManifest::*member;
};
constexpr TextField kTexts[] = {{"model", &VectorManifest::model},
                                {"revision", &VectorManifest::revision},
                                {"prefix", &VectorManifest::prefix},
                                {"pooling", &VectorManifest::pooling}};

bool is_plain(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '-' || c == '_' || c == '@' || c == ';';
}

/// A tag holds few kinds of characters: any other byte is + and two digits.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      out += fmt::format("+{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string decoded(std::string_view tag) {
  std::string out;
  for (size_t i = 0; i < tag.size(); ++i) {
    unsigned byte = 0;
    const char* first = tag.data() + i + 1;
    if (tag[i] == '+' && i + 2 < tag.size() &&
        std::from_chars(first, first + 2, byte, 16).ptr == first + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += tag[i];
    }
  }
  return out;
}

/// Name and value of each tag; "": there is none.
std::vector<PineconeTag> tags_of(const VectorManifest& manifest) {
  std::vector<PineconeTag> out;
  const auto add = [&](std::string_view name, std::string value) {
    out.push_back({fmt::format("{}{}", kMark, name), std::move(value)});
  };
  for (const TextField& field : kTexts) add(field.name, encoded(manifest.*field.member));
  add("truncation", manifest.truncation == 0 ? "" : std::to_string(manifest.truncation));
  add("normalised", !manifest.normalised ? "" : *manifest.normalised ? "true" : "false");
  return out;
}

std::string_view tag_of(const PineconeIndex& index, std::string_view name) {
  const auto found = std::ranges::find(index.tags, name, &PineconeTag::name);
  return found == index.tags.end() ? std::string_view() : std::string_view(found->value);
}

}  // namespace

VectorManifest manifest_of_index(const PineconeIndex& index, std::string column) {
  const auto tag = [&](std::string_view name) {
    return tag_of(index, fmt::format("{}{}", kMark, name));
  };
  VectorManifest out;
  out.column = std::move(column);
  for (const TextField& field : kTexts) out.*field.member = decoded(tag(field.name));
  if (!index.model.empty()) out.model = index.model;
  const std::string_view truncation = tag("truncation"), normalised = tag("normalised");
  std::from_chars(truncation.data(), truncation.data() + truncation.size(), out.truncation);
  if (!normalised.empty()) out.normalised = normalised == "true";
  out.dimensions = static_cast<int>(index.dimension);
  out.metric = metric_of_pinecone(index.metric);
  return out;
}

std::string tags_to_change(const PineconeIndex& index, const VectorManifest& manifest) {
  std::string out;
  for (const PineconeTag& tag : tags_of(manifest)) {
    const std::string_view value =
        tag.value.size() > kLongest ? std::string_view() : std::string_view(tag.value);
    if (tag_of(index, tag.name) == value) continue;
    out += out.empty() ? R"({"tags":{)" : ",";
    write_json_string(tag.name, out);
    out += ':';
    write_json_string(value, out);
  }
  return out.empty() ? out : out + "}}";
}

std::vector<std::string> facts_without_tag(const VectorManifest& manifest) {
  std::vector<std::string> out;
  for (const PineconeTag& tag : tags_of(manifest))
    if (tag.value.size() > kLongest) out.push_back(tag.name.substr(kMark.size()));
  return out;
}

}  // namespace lugger
