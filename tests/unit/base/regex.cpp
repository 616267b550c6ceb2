#include "base/regex.hpp"

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

std::string found(std::string_view pattern, std::string_view flags, std::string_view text,
                  size_t group = 0) {
  Regex regex(pattern, flags);
  if (regex.search(text) <= 0) return "-";
  const auto at = regex.group(group);
  return at ? std::string(text.substr(at->begin, at->end - at->begin)) : "(none)";
}

std::string refusal(std::string_view pattern, std::string_view flags = "") {
  try {
    Regex regex(pattern, flags);
  } catch (const Error& error) {
    CHECK(error.code() == Code::kConfig);
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("a regular expression finds groups, by number and by name") {
  Regex regex("(?<year>\\d{4})-(?<month>\\d\\d)(x)?", "");
  REQUIRE(regex.groups() == 3);
  REQUIRE(regex.search("on 2026-03-11") > 0);
  CHECK(regex.group(0)->begin == 3);
  CHECK(regex.group(0)->end == 10);
  CHECK(!regex.group(3));
  CHECK(!regex.group(4));
  REQUIRE(regex.names().size() == 2);
  CHECK(regex.names()[0].text == "month");
  CHECK(regex.names()[0].group == 2);
  CHECK(regex.search("on 2026") == 0);
  CHECK(!regex.group(0));
  CHECK(regex.search("2026-03", 8) == 0);
}

TEST_CASE("flags are Perl's") {
  CHECK(found("STRASSE", "i", "strasse") == "strasse");
  CHECK(found("ÄPFEL", "i", "zwei äpfel") == "äpfel");
  CHECK(found("^b$", "", "a\nb") == "-");
  CHECK(found("^b$", "m", "a\nb") == "b");
  CHECK(found("a.b", "", "a\nb") == "-");
  CHECK(found("a.b", "s", "a\nb") == "a\nb");
  CHECK(found("a b # both", "x", "ab") == "ab");
  CHECK(found("a b", "imsx", "x\nAB") == "AB");
  CHECK(found(".", "", "é") == "é");
  CHECK_THAT(refusal("a", "g"), ContainsSubstring("has no flag \"g\""));
}

TEST_CASE("a mistake in a pattern is told with its place") {
  CHECK_THAT(refusal("a(b"), ContainsSubstring("cannot be read: missing closing parenthesis"));
  CHECK_THAT(refusal("a(b"), ContainsSubstring("at byte 4"));
  CHECK(!refusal("\xFF").empty());
  CHECK(!refusal("a\\Cb").empty());
  CHECK(!refusal(std::string(100'000, 'a')).empty());
}

TEST_CASE("a pattern that tries everything gives up and says so") {
  const std::string text = std::string(64, 'a') + "b";
  for (const char* pattern : {"^(a+)+$", "^(a|aa)+$"}) {
    Regex regex(pattern, "");
    CHECK(regex.search(text) < 0);
    CHECK_THROWS_WITH(regex.found_in(text), ContainsSubstring("it tried too many ways to match"));
    // It can be used again.
    CHECK(regex.search("x") == 0);
  }
  const std::string own = "(*LIMIT_MATCH=4000000000)^(a+)+$";
  CHECK(Regex(own, "").search(text) < 0);
}

TEST_CASE("a long text is searched where the stack of compiled code ends") {
  const std::string text(300'000, 'a');
  Regex regex("^(a|b)*$", "");
  CHECK(regex.search(text) != 0);
  CHECK(found("^[ab]*$", "", text) == text);
}

TEST_CASE("bytes that are no UTF-8 match nothing, and end no search") {
  CHECK(found("caf.", "", "caf\xE9") == "-");
  CHECK(found("c[^x]f", "", "caf\xE9") == "caf");
  CHECK(found("b$", "", "\xE9\xFF b") == "b");
  Regex regex("a", "");
  CHECK(regex.search("\xC3\xA9 a", 1) > 0);  // begins inside of a character
  CHECK(regex.search("") == 0);
  CHECK(Regex("", "").search("") > 0);
}

TEST_CASE("behind an empty match the search goes on with what is not empty") {
  Regex regex("a*", "");
  REQUIRE(regex.search("baa", 0) > 0);
  CHECK(regex.group(0)->end == 0);
  CHECK(regex.search("baa", 0, Regex::Begin::kHereNotEmpty) == 0);
  CHECK(regex.search("baa", 1, Regex::Begin::kHereNotEmpty) > 0);
  CHECK(regex.group(0)->end == 3);
}
