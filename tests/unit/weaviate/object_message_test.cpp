#include "weaviate/object_message.hpp"

#include "catch.hpp"
#include "http/grpc.hpp"
#include "mapping.hpp"

namespace lugger::test {
namespace {

LayoutOptions options() {
  LayoutOptions out;
  out.class_name = "Docs";
  out.tenant = "t";
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<uint8_t>(c));
  return out;
}

template <size_t N>
Value floats(const float (&numbers)[N]) {
  return Value::of(ValueType::kVector,
                   Bytes(reinterpret_cast<const uint8_t*>(numbers), sizeof numbers));
}

}  // namespace

TEST_CASE("a row is the message BatchObject, byte by byte") {
  const PlanShape plan =
      shape({column("id", "uuid"), column("s", "text"), column("n", "int8"), column("x", "float8"),
             column("b", "bool"), column("e", "vector(2)"), column("m", "vector(2)[]")});
  const ClassLayout layout = class_layout(plan, nullptr, options());
  CHECK(layout.problems.empty());
  CHECK(fits_messages(layout));
  ObjectMessages messages(plan.tables()[0], layout);
  Uuid uuid{};
  const float one[] = {1, -0.0F};
  const std::string many = R"({"[1,2]","[3,4]"})";
  const Value row[] = {Value::of(ValueType::kUuid, Bytes(uuid)),
                       Value::of(ValueType::kString, std::string_view("hi")),
                       Value::of(ValueType::kInt64, -3),
                       Value::of_double(0.5),
                       Value::of(ValueType::kBool, 1),
                       floats(one),
                       Value::of(ValueType::kPgText, many)};
  ByteBuffer out;
  int at = -1;
  CHECK(messages.append(row, at, out) == Failure::kNone);
  const std::string id = "00000000-0000-0000-0000-000000000000";
  CHECK(ObjectMessages::id_of(out.text()) == id);
  // As Weaviate's own client for Python writes the parts.
  const std::string head = "0a24" + hex(id) + "2204" + hex("Docs") + "2a01" + hex("t");
  const std::string vectors =
      "ba010f0a01651a080000803f000000802001"
      "ba01190a016d1a1202000000803f0000004000004040000080402002";
  const std::string properties =
      "1a360a340a090a017312041a0268690a0e0a016e120911000000000000"
      "08c00a0e0a0178120911000000000000e03f0a070a016212022001";
  CHECK(hex(out.text()) == head + vectors + properties);
  CHECK(hex(ObjectMessages::without_vectors(out.text())) == head + properties);
  const ObjectVectors sent = ObjectMessages::vectors_of(out.text());
  CHECK(sent == ObjectVectors{{"e", {1, 0}}, {"m", {1, 2, 3, 4}}});
  CHECK(sent == vectors_of_json(R"({"vectors":{"e":[1,-0],"m":[[1,2],[3.0,4]],"n":[]}})"));
  CHECK(sent != vectors_of_json(R"({"vector":[1,0],"vectors":{"m":[[1,2],[3,4]]}})"));
}

TEST_CASE("lists have messages of their own, and those that are empty only a name") {
  const PlanShape plan =
      shape({column("id", "uuid"), column("t", "text[]"), column("i", "int8[]")});
  const ClassLayout layout = class_layout(plan, nullptr, options());
  ObjectMessages messages(plan.tables()[0], layout);
  Uuid uuid{};
  // PostgreSQL's binary arrays: none, and {-1, 300}.
  const uint8_t none[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25};
  const uint8_t two[] = {0,    0,    0, 1, 0, 0, 0, 0, 0, 0,    0,    20,   0,    0,    0,
                         2,    0,    0, 0, 1, 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0, 0, 0, 8, 0, 0, 0, 0,    0,    0,    1,    0x2c};
  const Value row[] = {Value::of(ValueType::kUuid, Bytes(uuid)),
                       Value::of(ValueType::kPgArray, Bytes(none)),
                       Value::of(ValueType::kPgArray, Bytes(two))};
  ByteBuffer out;
  int at = -1;
  CHECK(messages.append(row, at, out) == Failure::kNone);
  CHECK_THAT(hex(out.text()), Catch::Matchers::EndsWith("1a18"
                                                        "520174"
                                                        "2a110a0cffffffffffffffffff01ac02120169"
                                                        "0a00"));
}

TEST_CASE("what cannot be in a message is refused by its column") {
  const PlanShape plan = shape({column("id", "uuid"), column("n", "int8"), column("x", "float8"),
                                column("m", "vector(2)[]")});
  const ClassLayout layout = class_layout(plan, nullptr, options());
  ObjectMessages messages(plan.tables()[0], layout);
  Uuid uuid{};
  Value row[] = {Value::of(ValueType::kUuid, Bytes(uuid)),
                 Value::of(ValueType::kInt64, (int64_t{1} << 53) + 1), Value::null(),
                 Value::null()};
  ByteBuffer out;
  int at = -1;
  CHECK(messages.append(row, at, out) == Failure::kInexact);
  CHECK(at == 1);
  row[1] = Value::null();
  row[2] = Value::of_double(std::numeric_limits<double>::infinity());
  CHECK(messages.append(row, at, out) == Failure::kNonFinite);
  row[2] = Value::null();
  for (const char* text : {"{}", R"({"[1,2]","[3]"})", R"({"[1,2"})", "{[x]}"}) {
    row[3] = Value::of(ValueType::kPgText, std::string_view(text));
    CHECK(messages.append(row, at, out) != Failure::kNone);
    CHECK(at == 3);
  }
}

TEST_CASE("a reply says which objects were refused") {
  const std::string_view whole{
      "\x0d\x00\x00\x80\x3f\x12\x02\x12\x00\x12\x07\x08\x03\x12\x03"
      "bad",
      18};
  const auto errors = read_reply(whole);
  REQUIRE(errors);
  REQUIRE(errors->size() == 2);
  CHECK(errors->at(0).object == 0);
  CHECK(errors->at(1).object == 3);
  CHECK(errors->at(1).reason == "bad");
  // One that is named twice counts once.
  CHECK(read_reply(std::string(whole) + std::string(whole))->size() == 2);
  CHECK(read_reply("")->empty());
  for (size_t size : {3, 6, 8, 12, 17}) CHECK_FALSE(read_reply(whole.substr(0, size)));
}

TEST_CASE("an outcome of gRPC is what HTTP would say") {
  const auto status = [](std::string_view code, std::string_view words) {
    grpc::Outcome out;
    out.note("grpc-status", code);
    out.note("grpc-message", words);
    return out.http_status();
  };
  CHECK(status("0", "") == 200);
  CHECK(status("3", "") == 400);
  CHECK(status("8", "grpc: received message larger than max (5 vs. 4)") == 413);
  CHECK(status("8", "too many") == 429);
  CHECK(status("13", "grpc: error unmarshalling request: invalid UTF-8") == 400);
  CHECK(status("14", "") == 500);
  CHECK(status("16", "") == 401);
  CHECK(status("x", "") == 503);
  grpc::Outcome told;
  CHECK_FALSE(told.good());
  told.note("grpc-message", "a%20b%25");
  told.note("grpc-status", "7");
  CHECK(told.words() == "a b%");
  std::string frame(grpc::kHead);
  frame += "abc";
  grpc::end_frame(frame);
  CHECK(hex(frame) == "0000000003616263");
  CHECK(grpc::message_of(frame) == "abc");
  CHECK_FALSE(grpc::message_of(frame + "d"));
  CHECK_FALSE(grpc::message_of("\1\0\0\0\0"));
}

}  // namespace lugger::test
