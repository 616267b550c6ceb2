#include "change/resume_token.hpp"

#include "random_bson.hpp"
#include "stream_events.hpp"

namespace lugger::test {
namespace {

uint64_t at(uint32_t seconds, uint32_t increment) { return uint64_t{seconds} << 32 | increment; }

std::string token(const std::string& fields) { return bson("{" + fields + "}"); }

StreamPosition read(const std::string& text) { return stream_position(text, "mongodb://one"); }

}  // namespace

TEST_CASE("the time of a token is read from its data") {
  const auto time = [](const std::string& fields) { return token_time(as_bytes(token(fields))); };
  CHECK(time(R"("_data":"826B016D1B0000011A2B022C0100296E5A1004")") == at(1795255579, 282));
  CHECK(time(R"("_data":"826B016D1B0000011A")") == at(1795255579, 282));
  CHECK(
      time(
          R"("_data":"82FFFFFFFFFFFFFFFF04","_typeBits":{"$binary":{"base64":"gA==","subType":"00"}})") ==
      UINT64_MAX);
  for (const char* other :
       {R"("_data":"826B016D1B0000011")", R"("_data":"0163B9A5D0000000010163")", R"("_data":"")",
        R"("_data":"82ZZ016D1B0000011A04")", R"("_data":7)", R"("data":"826B016D1B0000011A")",
        R"("_data":{"$binary":{"base64":"gmsBbRsAAAEa","subType":"00"}})"}) {
    CHECK_FALSE(time(other));
  }
  CHECK_FALSE(token_time({}));
}

TEST_CASE("a cluster time as text, and back") {
  CHECK(cluster_time_text(at(1795255579, 282)) == "2026-11-21T10:06:19Z,282");
  CHECK(cluster_time_text(0) == "1970-01-01T00:00:00Z,0");
  for (const uint64_t time : {uint64_t{0}, at(1, 0), at(1795255579, 282), UINT64_MAX})
    CHECK(cluster_time_of(cluster_time_text(time)) == time);
  CHECK(cluster_time_of("2026-11-21 11:06:19+01:00") == at(1795255579, 0));
  for (const char* other :
       {"", ",1", "2026-11-21T10:06:19Z,", "2026-11-21T10:06:19Z,-1", "2026-11-21T10:06:19Z,1x",
        "2026-11-21T10:06:19Z,4294967296", "2026-11-21T10:06:19.5Z,1", "1969-12-31T23:59:59Z,1",
        "2106-02-07T06:28:16Z,1", "infinity", "-infinity", "2026-11-21T10:06:19.0000001Z"}) {
    INFO(other);
    CHECK_FALSE(cluster_time_of(other));
  }
}

TEST_CASE("a position is printable, and read back to the byte") {
  const std::string data = R"("_data":"826B016D1B0000011A2B04")";
  const std::pair<std::string, const char*> known[] = {
      {token(data), "time:2026-11-21T10:06:19Z,282 token:826B016D1B0000011A2B04"},
      {token(data + R"(,"_typeBits":{"$binary":{"base64":"goA=","subType":"00"}})"),
       "time:2026-11-21T10:06:19Z,282 token:826B016D1B0000011A2B04 bits:8280"},
      {"", "time:1970-01-01T00:00:07Z,0"},
  };
  for (const auto& [bytes, text] : known) {
    const StreamPosition position = StreamPosition::behind(as_bytes(bytes), at(7, 0));
    CHECK(position_text(position) == text);
    CHECK(read(text) == position);
  }
  // Other forms: another order, fields that are not known, a token in binary or not in hex at all.
  for (const std::string& fields :
       {R"("_typeBits":{"$binary":{"base64":"goA=","subType":"00"}},)" + data, data + R"(,"v":1)",
        std::string(R"("_data":{"$binary":{"base64":"gmsB","subType":"00"}})"),
        std::string(R"("_data":"a b time:9")"),
        data + R"(,"_typeBits":{"$binary":{"base64":"goA=","subType":"80"}})",
        data + R"(,"_typeBits":{"$binary":{"base64":"","subType":"00"}})", std::string()}) {
    const StreamPosition position =
        StreamPosition::behind(as_bytes(token(fields)), at(1795255579, 282));
    const std::string text = position_text(position);
    CHECK_THAT(text, ContainsSubstring("time:2026-11-21T10:06:19Z,282 document:"));
    CHECK(read(text) == position);
  }
}

TEST_CASE("random tokens come back from their text") {
  RandomBson random(5);
  for (int i = 0; i < 2000; ++i) {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    for (size_t n = random.below(3); n > 0; --n)
      writer.append(random.chance(50) ? "_data" : "_typeBits", random.value());
    writer.end();
    const StreamPosition position = StreamPosition::behind(out.view(), at(9, 9));
    CHECK(read(position_text(position)) == position);
  }
}

TEST_CASE("what is no position is refused") {
  for (const char* text :
       {"", "offset:4096", "token:826B016D1B0000011A04", "time:now",
        "time:2026-11-21T10:06:19Z,282 token:826B0", "time:2026-11-21T10:06:19Z,282 token:",
        "time:2026-11-21T10:06:19Z,282 bits:80", "time:2026-11-21T10:06:19Z,282 document:00",
        "time:2026-11-21T10:06:19Z,282 token:826B016D1B0000011A04 bits:8",
        "time:2026-11-21T10:06:19Z,282 token:826B016D1B0000011A04 document:0500000000"}) {
    INFO(text);
    const Error error = error_of([&] { read(text); });
    CHECK(error.code() == Code::kConfig);
    CHECK_THAT(error.what(), ContainsSubstring("mongodb://one") &&
                                 ContainsSubstring("not a position of a change stream"));
  }
  CHECK_THAT(
      error_of([&] { read("time:2026-11-21T10:06:20Z,282 token:826B016D1B0000011A04"); }).what(),
      ContainsSubstring("not that of its token, 2026-11-21T10:06:19Z,282"));
}

TEST_CASE("positions are ordered by their times alone") {
  const std::string one = token(R"("_data":"82000000010000000104")"),
                    same = token(R"("_data":"82000000010000000105")"),
                    later = token(R"("_data":"82000000010000000204")");
  const auto behind = [](const std::string& bytes) {
    return StreamPosition::behind(as_bytes(bytes));
  };
  CHECK(behind(one).is_before(behind(later)));
  CHECK_FALSE(behind(later).is_before(behind(one)));
  CHECK_FALSE(behind(one).is_before(behind(same)));
  CHECK_FALSE(behind(same).is_before(behind(one)));
  CHECK(behind(one) != behind(same));
  CHECK(StreamPosition::from_time(at(1, 1)).is_before(behind(later)));
}

TEST_CASE("events that a stream has given are known by their tokens") {
  const std::string first = token(R"("_data":"82000000010000000104")"),
                    second = token(R"("_data":"8200000001000000010A")"),
                    later = token(R"("_data":"82000000010000000204")"), odd = token(R"("n":1)");
  const auto passed = [](const std::string& here, const std::string& event, uint64_t time) {
    return StreamPosition::behind(as_bytes(here), time).has_passed(as_bytes(event), time);
  };
  CHECK(passed(second, first, at(1, 1)));
  CHECK(passed(second, second, at(1, 1)));
  CHECK_FALSE(passed(first, second, at(1, 1)));
  CHECK_FALSE(passed(second, later, at(1, 2)));
  CHECK(passed(later, second, at(1, 1)));
  CHECK(passed(odd, odd, at(1, 1)));
  CHECK_FALSE(passed(odd, token(R"("n":2)"), at(1, 1)));
  CHECK_FALSE(StreamPosition::from_time(at(1, 1)).has_passed(as_bytes(first), at(1, 1)));
}

}  // namespace lugger::test
