#include "change/resume_token.hpp"

#include <charconv>

#include "base/error.hpp"
#include "base/fields.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/datetime.hpp"

namespace lugger {
namespace {

// The server's KeyString has a type's byte before each value: 130 for a timestamp.
constexpr uint8_t kTimestampByte = 0x82;
constexpr size_t kTimeDigits = 2 * (1 + sizeof(uint64_t));

bool is_hex(std::string_view text) noexcept {
  return !text.empty() && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

/// {_data, _typeBits}; a missing `bits` is left out.
std::string make_token(std::string_view data, const Value& bits) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_data", Value::of(ValueType::kString, data));
  if (bits.type != ValueType::kMissing) writer.append("_typeBits", bits);
  writer.end();
  return std::string(out.text());
}

/// The fields that make this token again; "" when they would not.
std::string short_form(Bytes token) {
  const Value data = bson_field(token, "_data"), bits = bson_field(token, "_typeBits");
  if (data.type != ValueType::kString || !is_hex(data.text())) return {};
  const bool plain = bits.type == ValueType::kBinary && bits.aux == 0 && bits.size != 0;
  if (!plain && bits.type != ValueType::kMissing) return {};
  if (make_token(data.text(), bits) != as_text(token)) return {};
  std::string out = fmt::format("token:{}", data.text());
  if (plain) out += fmt::format(" bits:{}", to_hex(bits.bytes()));
  return out;
}

/// nullopt: the fields are not what position_text() writes.
std::optional<std::string> token_of(std::string_view text) {
  const auto data = spec_field(text, "token"), bits = spec_field(text, "bits"),
             document = spec_field(text, "document");
  if (document) {
    const auto bytes = from_hex(*document);
    if (data || bits || !bytes || validate_bson(as_bytes(*bytes)) != BsonFault::kNone)
      return std::nullopt;
    return bytes;
  }
  if (!data) return bits ? std::nullopt : std::optional<std::string>(std::in_place);
  const auto bytes = bits ? from_hex(*bits) : std::string();
  if (!is_hex(*data) || !bytes) return std::nullopt;
  return make_token(*data, bits ? Value::of(ValueType::kBinary, as_bytes(*bytes)) : Value{});
}

}  // namespace

std::optional<uint64_t> token_time(Bytes token) noexcept {
  const Value data = bson_field(token, "_data");
  uint8_t bytes[kTimeDigits / 2];
  if (data.type != ValueType::kString || data.size < kTimeDigits ||
      !from_hex(data.text().substr(0, kTimeDigits), bytes) || bytes[0] != kTimestampByte) {
    return std::nullopt;
  }
  return load_be<uint64_t>(bytes + 1);
}

std::string cluster_time_text(uint64_t time) {
  return fmt::format("{},{}", iso_from_unix_ms(static_cast<int64_t>(time >> 32) * 1000),
                     time & UINT32_MAX);
}

std::optional<uint64_t> cluster_time_of(std::string_view text) noexcept {
  const size_t comma = text.find(',');
  uint32_t increment = 0;
  if (comma != std::string_view::npos) {
    const std::string_view digits = text.substr(comma + 1);
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), increment);
    if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  }
  Finer finer = Finer::kNone;
  const auto micros = parse_timestamp(text.substr(0, comma), &finer);
  if (!micros || finer != Finer::kNone || *micros % 1000000 != 0) return std::nullopt;
  const auto ms = unix_ms_from_micros(*micros);
  if (!ms || *ms < 0 || *ms / 1000 > UINT32_MAX) return std::nullopt;
  return static_cast<uint64_t>(*ms / 1000) << 32 | increment;
}

StreamPosition StreamPosition::behind(Bytes token, uint64_t time) {
  return {token_time(token).value_or(time), std::string(as_text(token))};
}

bool StreamPosition::has_passed(Bytes event, uint64_t at) const noexcept {
  if (token.empty()) return false;
  if (as_text(event) == token) return true;
  const std::optional<uint64_t> own = token_time(event);
  if (own.value_or(at) != time) return own.value_or(at) < time;
  const Value here = bson_field(as_bytes(token), "_data");
  return own && here.type == ValueType::kString && bson_field(event, "_data").text() <= here.text();
}

std::string position_text(const StreamPosition& position) {
  std::string out = fmt::format("time:{}", cluster_time_text(position.time));
  if (position.token.empty()) return out;
  const Bytes token = as_bytes(position.token);
  const std::string fields = short_form(token);
  return out + ' ' + (fields.empty() ? fmt::format("document:{}", to_hex(token)) : fields);
}

StreamPosition stream_position(std::string_view text, std::string_view place) {
  const auto time = cluster_time_of(spec_field(text, "time").value_or(""));
  auto token = token_of(text);
  if (!time || !token) {
    throw Error(Code::kConfig,
                fmt::format("{}: \"{}\" is not a position of a change stream", place, text),
                "it was edited, or belongs to another source or version");
  }
  if (token_time(as_bytes(*token)).value_or(*time) != *time) {
    throw Error(Code::kConfig,
                fmt::format("{}: the time of the position \"{}\" is not that of its token, {}",
                            place, text, cluster_time_text(*token_time(as_bytes(*token)))),
                "it was edited: to begin at a time, leave out the token");
  }
  return {*time, *std::move(token)};
}

}  // namespace lugger
