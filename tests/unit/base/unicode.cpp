#include "base/unicode.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "catch.hpp"

using namespace lugger;

TEST_CASE("case is each character's own") {
  CHECK(upper_case("éa ж") == "ÉA Ж");
  CHECK(upper_case("ß") == "ß");
  CHECK(lower_case("ÀÉ ΑΣ Ж ABC") == "àé ασ ж abc");
  CHECK(lower_case("a\xFF"
                   "B\xC3") ==
        "a\xFF"
        "b\xC3");
  CHECK(upper_case("").empty());
  CHECK(lower_case("\U00010400") == "\U00010428");
}

TEST_CASE("characters are counted, and found by number") {
  CHECK(count_characters("") == 0);
  CHECK(count_characters("aé€😀") == 4);
  CHECK(count_characters("a\xFF\xC3") == 3);
  CHECK(character_offset("aé€😀", 0) == 0);
  CHECK(character_offset("aé€😀", 2) == 3);
  CHECK(character_offset("aé€😀", 4) == 10);
  CHECK(character_offset("aé€😀", 9) == 10);
}

TEST_CASE("white space at the ends goes, as Unicode has it") {
  CHECK(trimmed(" \t\r\na b \v\f") == "a b");
  CHECK(trimmed("\u00A0\u2003x\u3000\u2028") == "x");
  CHECK(trimmed("\uFEFFx") == "x");
  CHECK(trimmed("\u0085é\u0085") == "é");
  CHECK(trimmed(" \xA0 ") == "\xA0");
  CHECK(trimmed("   ").empty());
  CHECK(trimmed("").empty());
}

TEST_CASE("normal forms") {
  CHECK(normal_form("e\u0301", NormalForm::kNfc) == "\u00E9");
  CHECK(normal_form("\u00E9", NormalForm::kNfd) == "e\u0301");
  CHECK(normal_form("\uFB01", NormalForm::kNfc) == "\uFB01");
  CHECK(normal_form("\uFB01", NormalForm::kNfkc) == "fi");
  CHECK(normal_form("", NormalForm::kNfc) == "");
  CHECK(!normal_form("\xFF", NormalForm::kNfc));
  CHECK(normal_form(std::string_view("a\0b", 3), NormalForm::kNfc) == std::string("a\0b", 3));
}

TEST_CASE("digests of published vectors") {
  const auto hex = [](const std::string& bytes) { return to_hex(as_bytes(bytes)); };
  CHECK(hex(digest(DigestKind::kSha256, "abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex(digest(DigestKind::kSha512, "")).substr(0, 32) == "cf83e1357eefb8bdf1542850d66d8007");
  CHECK(hex(hmac(DigestKind::kSha256, "Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac(DigestKind::kSha256, "", "")) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  CHECK(same_bytes("abc", "abc"));
  CHECK(!same_bytes("abc", "abd"));
  CHECK(!same_bytes("abc", "ab"));
  CHECK(same_bytes("", ""));
}
