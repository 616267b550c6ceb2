#include "value/csv_reader.hpp"

#include <random>

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

/// Records as text: fields in brackets, quoted ones in quotes; damage as its reason.
std::vector<std::string> take_all(CsvReader& reader) {
  std::vector<std::string> out;
  for (;;) {
    const auto got = reader.next();
    if (got == CsvReader::Got::kMore) return out;
    std::string record = got == CsvReader::Got::kDamaged
                             ? "! " + reader.reason() + " <" + std::string(reader.text()) + ">"
                             : std::to_string(reader.text_line());
    for (const CsvField& field : reader.fields()) {
      if (got == CsvReader::Got::kDamaged) break;
      const std::string text(field.text);
      record += field.quoted ? "[\"" + text + "\"]" : "[" + text + "]";
    }
    out.push_back(std::move(record));
  }
}

/// piece 0: where it lies.
std::vector<std::string> read(std::string_view text, size_t width = 0, CsvDialect dialect = {},
                              size_t piece = 0) {
  CsvReader reader(dialect);
  reader.expect(width);
  std::vector<std::string> out;
  if (piece == 0) {
    reader.feed_in_place(as_bytes(text));
    out = take_all(reader);
    CHECK(reader.consumed() == text.size());
    return out;
  }
  for (size_t at = 0;; at += piece) {
    const bool last = at >= text.size();
    reader.feed(as_bytes(text.substr(std::min(at, text.size()), piece)), last);
    for (std::string& record : take_all(reader)) out.push_back(std::move(record));
    if (last) break;
  }
  CHECK(reader.consumed() == text.size());
  return out;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("records of CSV") {
  CHECK(read("a,b\n1,2\n") == List{"1[a][b]", "2[1][2]"});
  CHECK(read("a,b\r\n1,2\r\n") == List{"1[a][b]", "2[1][2]"});
  CHECK(read("a,b\n1,2") == List{"1[a][b]", "2[1][2]"});
  CHECK(read(",\n,,\n") == List{"1[][]", "2[][][]"});
  CHECK(read("\"a\",\"b \"\"x\"\"\"\n") == List{"1[\"a\"][\"b \"x\"\"]"});
  CHECK(read("\"a\nb\",c\nd,e") == List{"1[\"a\nb\"][c]", "3[d][e]"});
  CHECK(read("\"a\r\nb\",\"\"\r\nx") == List{"1[\"a\r\nb\"][\"\"]", "3[x]"});
  CHECK(read("\xEF\xBB\xBF"
             "a,b\n") == List{"1[a][b]"});
  CHECK(read("6\" pipe,a\"b\"\n") == List{"1[6\" pipe][a\"b\"]"});
  CHECK(read(" \"a\"\n") == List{"1[ \"a\"]"});
  CHECK(read("").empty());
  CHECK(read("a,b\n\n\r\n1,2\n", 2) == List{"1[a][b]", "4[1][2]"});
  CHECK(read("a\n\n\r\n", 1) == List{"1[a]", "2[]", "3[]"});
}

TEST_CASE("other delimiters and quotes") {
  CHECK(read("a;'b;c'\n", 0, {';', '\''}) == List{"1[a][\"b;c\"]"});
  CHECK(read("\"a\t\"b\n", 0, {'\t', 0}) == List{"1[\"a][\"b]"});
}

TEST_CASE("what is no record is damaged, and reading goes on behind it") {
  CHECK(read("a,b\n1\n2,3\n", 2) ==
        List{"1[a][b]", "! line 2, column 1: 1 field, and there should be 2 <1>", "3[2][3]"});
  CHECK(read("a,\"b\"c\"d,e\n1,2\n") ==
        List{"! line 1, column 6: text behind a closing quote (a quote inside a field is doubled) "
             "<a,\"b\"c\"d,e>",
             "2[1][2]"});
  CHECK(read("1,2\n3,\"4\n5,6\n7,8") ==
        List{"1[1][2]", "! line 2, column 3: the quote that begins here is not closed <3,\"4>",
             "3[5][6]", "4[7][8]"});
  CHECK(read("\"a\nb\",\"c\nd\n").front() ==
        "! line 2, column 4: the quote that begins here is not closed <\"a>");
}

TEST_CASE("a record has an end within bounds") {
  const std::string long_line(CsvReader::kMaxRecord + 100, 'x');
  CsvReader reader({});
  reader.feed(as_bytes(long_line), false);
  CHECK_THROWS_WITH(reader.next(), ContainsSubstring("line 1: no record ends within"));
  const std::string never = "a,\"b\n" + long_line + "\nc,d\n";
  const List got = read(never, 2);
  REQUIRE(got.size() == 3);
  CHECK_THAT(got[0], ContainsSubstring("is not closed"));
  CHECK_THAT(got[1], ContainsSubstring("1 field"));
  CHECK(got[2] == "3[c][d]");
}

TEST_CASE("pieces of any size give the same records") {
  std::mt19937 random(7);
  const std::string_view parts[] = {"a",  "b",    ",",     ",", "\n", "\r\n",
                                    "\"", "\"\"", "\"x\"", "é", "\r"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i) text += parts[random() % std::size(parts)];
    const List whole = read(text, 2);
    for (const size_t piece : {1, 2, 3, 7}) {
      INFO(text);
      REQUIRE(read(text, 2, {}, piece) == whole);
    }
  }
}

TEST_CASE("a reader goes on at the end of any record") {
  std::mt19937 random(11);
  const std::string_view parts[] = {"a", ",", "\n", "\r\n", "\"", "\"\"", "\"x\n\"", "b"};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) text += parts[random() % std::size(parts)];
    CsvReader first({});
    first.expect(2);
    first.feed_in_place(as_bytes(text));
    const List whole = read(text, 2);
    for (size_t done = 1; first.next() != CsvReader::Got::kMore; ++done) {
      CsvReader second({});
      second.expect(2);
      second.resume(first.consumed(), first.line());
      second.feed_in_place(as_bytes(text).subspan(first.consumed()));
      INFO(text);
      REQUIRE(take_all(second) == List(whole.begin() + static_cast<long>(done), whole.end()));
    }
  }
}

TEST_CASE("fields are written as they are read") {
  std::mt19937 random(5);
  const std::string_view parts[] = {"a", ",", "\n", "\r", "\"", " ", "é", "NULL"};
  for (const CsvDialect dialect : {CsvDialect{}, CsvDialect{';', '\''}}) {
    for (int round = 0; round < 500; ++round) {
      std::string field, out;
      for (size_t i = random() % 4; i > 0; --i) field += parts[random() % std::size(parts)];
      append_csv_field(field, dialect, "NULL", out);
      CsvReader reader(dialect);
      reader.expect(1);
      const std::string line = out + "\n";
      reader.feed_in_place(as_bytes(line));
      REQUIRE(reader.next() == CsvReader::Got::kRecord);
      CHECK(reader.fields()[0].text == field);
      CHECK((reader.fields()[0].quoted || field != "NULL"));
    }
  }
  std::string out;
  CHECK_THROWS(append_csv_field("a,b", {',', 0}, "", out));
}
