#include "base/text.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/url.hpp"
#include "catch.hpp"

using namespace lugger;

TEST_CASE("UTF-8 is checked as RFC 3629 says") {
  CHECK(is_utf8("plain, long enough to take eight bytes at a time"));
  CHECK(is_utf8("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK_FALSE(is_utf8("\xC0\x80"));          // overlong NUL
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  CHECK_FALSE(is_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
  CHECK_FALSE(is_utf8("cut\xE2\x82"));
  CHECK(valid_utf8_prefix("12345678\xFF") == 8);
  CHECK(replace_invalid_utf8("a\xFF\xFE z") == "a\xEF\xBF\xBD\xEF\xBF\xBD z");
}

TEST_CASE("hex and base64 go both ways and refuse what they are not") {
  const std::string all = [] {
    std::string out;
    for (int i = 0; i < 256; ++i) out += static_cast<char>(i);
    return out;
  }();
  for (size_t n = 0; n < 20; ++n) {
    const std::string part = all.substr(200, n);
    CHECK(from_hex(to_hex(as_bytes(part))) == part);
    CHECK(from_base64(to_base64(as_bytes(part))) == part);
  }
  CHECK(to_base64(as_bytes("f")) == "Zg==");
  CHECK_FALSE(from_base64("Zg=").has_value());
  CHECK_FALSE(from_base64(" Zg=").has_value());
  CHECK_FALSE(from_hex("0g").has_value());
}

TEST_CASE("a slip of the hand finds its option") {
  const std::string_view known[] = {"on_conflict", "on_error", "columns"};
  CHECK(nearest("on_conflct", known) == "on_conflict");
  CHECK(nearest("colums", known) == "columns");
  CHECK(nearest("zebra", known).empty());
  const std::string_view brief[] = {"or", "mod", "type", "round"};
  CHECK(nearest("foo", brief).empty());
  CHECK(nearest("max", brief).empty());
  CHECK(nearest("nor", brief) == "or");
  CHECK(nearest("tpye", brief) == "type");
  CHECK(nearest("rnd", brief) == "round");
}

TEST_CASE("excerpts are whole characters, quoted") {
  CHECK(quoted_excerpt("a\"b\n\x01") == "\"a\\\"b\\n\\x01\"");
  CHECK(quoted_excerpt("\xC3\xA9\xC3\xA9\xC3\xA9", 3) == "\"\xC3\xA9\"...");
}

TEST_CASE("passwords are masked wherever they stand") {
  CHECK(mask_secrets("postgresql://app:s3cr3t@db/shop?sslmode=require&password=x") ==
        "postgresql://app:***@db/shop?sslmode=require");
  CHECK(mask_secrets("postgresql://app:a@b:c@db/shop") == "postgresql://app:***@db/shop");
  CHECK(mask_secrets("mongodb://u:p@h1,h2/db?replicaSet=rs") ==
        "mongodb://u:***@h1,h2/db?replicaSet=rs");
  CHECK(mask_secrets("host=db password='a b' user=app") == "host=db password=*** user=app");
  CHECK(mask_secrets("password=my secret host=db") == "password=*** host=db");
  CHECK(mask_secrets("host=db password=my secret") == "host=db password=***");
  CHECK(mask_secrets("host=db password=a b=c d=e user=u x=1") == "host=db password=*** user=u x=1");
  CHECK(mask_secrets("host=db password=a\\ b=c user=u") == "host=db password=*** user=u");
  CHECK(mask_secrets("host = db password = 'a' x = 1") == "host = db password=*** x = 1");
  CHECK(mask_secrets("password=x pgbouncer=true") == "password=*** pgbouncer=true");
  CHECK(mask_secrets("host=db x password='a") == "host=db x password=***");
  // As a script spells it, escaped once more.
  CHECK(mask_secrets("host=h password = 'it\\\\'s b' dbname=d") == "host=h password=*** dbname=d");
  CHECK(mask_secrets("postgresql://db/shop") == "postgresql://db/shop");
  CHECK(mask_secrets("dump/shop/users.bson") == "dump/shop/users.bson");
  CHECK(mask_secrets("local:./pg") == "local:./pg");
}

TEST_CASE("b3: what libpq can read is printed from its fields") {
  for (const auto& [place, shown] : std::initializer_list<std::pair<const char*, const char*>>{
           {"postgresql://u:Zq9@h/d", "postgresql://u:***@h/d"},
           {"postgres://u:Zq9@h:5433", "postgres://u:***@h:5433"},
           {"postgresql://u:Zq9@h/", "postgresql://u:***@h/"},
           {"postgresql://h/d?pass%77ord=Zq9", "postgresql://h/d?password=***"},
           {"postgresql://u@h/d?%70assword=Zq9&sslmode=require",
            "postgresql://u:***@h/d?sslmode=require"},
           {"postgresql://u:Z%719#x@h/d", "postgresql://u:***@h/d"},
           {"postgresql://u:Zq9?x@h/d", "postgresql://u:***@h/d"},
           {"postgresql://u:Zq9?password=b@h/d", "postgresql://u:***@h/d"},
           {"postgresql://u%40x:Zq9@h1:1,h2,[::1]:3/a%2Fb",
            "postgresql://u%40x:***@h1:1,h2,[::1]:3/a%2Fb"},
           {"postgresql:///d?host=/tmp&user=u&password=Zq9", "postgresql://u:***@%2Ftmp/d"},
           {"host=h password=a\\ Zq9 user=u", "host=h password=*** user=u"},
           {"password = 'Zq9' host = h", "password=*** host=h"},
           {"user='a b' password='it\\'s Zq9'", "user='a b' password=***"},
           {"host=h sslpassword=Zq9", "host=h sslpassword=***"},
           {"host=h dbname='x password=Zq9'", "host=h dbname=***"}}) {
    CHECK(mask_secrets(place) == shown);
    CHECK(mask_secrets(shown) == shown);
  }
}

TEST_CASE("what is only nearly a URL is masked") {
  for (const std::string_view place : {" postgresql://u:Zq9@h/d",
                                       "\npostgresql://u:Zq9@h/d",
                                       "u:Zq9@h:5432/d",
                                       "u:Zq9@h",
                                       "u:Zq9@",
                                       "postgresql:u:Zq9@h/d",
                                       "postgresql//u:Zq9@h/d",
                                       "postgresql:/u:Zq9@h/d",
                                       "jdbc:postgresql://h/d?user=u&password=Zq9",
                                       "jdbc:postgresql://u:Zq9@h/d",
                                       "scram_client_key=Zq9 host=h",
                                       "host=h scram_server_key=Zq9",
                                       "host=h sslpassword=Zq9",
                                       "oauth_client_secret='a Zq9'",
                                       "host=h password=a\\ Zq9 user=u",
                                       "password='a\\'Zq9'",
                                       "host=h dbname='x password=Zq9'",
                                       "dbname=postgresql://u:Zq9@h/d",
                                       "postgresql://u:Zq9?x@h/d",
                                       "postgresql://h/d?sslpassword=Zq9",
                                       "postgresql://h/d?passwor%64=Zq9",
                                       "postgresql://h/d&password=Zq9",
                                       "postgresql://h/d?password=a&Zq9",
                                       "//u:Zq9@h/d",
                                       "://u:Zq9@h/d"}) {
    const std::string shown = mask_secrets(place);
    CAPTURE(shown);
    CHECK(shown.find("Zq9") == std::string::npos);
    CHECK(shown.find("***") != std::string::npos);
    CHECK(mask_secrets(shown) == shown);
    const std::string told = mask_text("there is no \"" + std::string(place) + "\"; give one");
    CHECK(told.find("Zq9") == std::string::npos);
    CHECK(told.find("; give one") != std::string::npos);
  }
  CHECK(mask_secrets("u:Zq9@h:5432/d") == "u:***@h:5432/d");
  CHECK(mask_secrets("passfile=/etc/ann/.pgpass") == "passfile=/etc/ann/.pgpass");
}

TEST_CASE("sentences keep everything but secrets") {
  CHECK(mask_text("dbs has no \"postgresql://u:a b@h/d\"; [connections.postgresql://u:a@h/d]") ==
        "dbs has no \"postgresql://u:***@h/d\"; [connections.postgresql://u:***@h/d]");
  CHECK(mask_text("PG_URI=postgresql://u:a@h/d is set, u:b@h:1/d is not") ==
        "PG_URI=postgresql://u:***@h/d is set, u:***@h:1/d is not");
  CHECK(mask_text("ALTER ROLE zz PASSWORD 'Zq''9' is wrong") ==
        "ALTER ROLE zz PASSWORD ***'9' is wrong");
  CHECK(mask_text("LINE 1: alter role zz password 'Zq9 is\nnext") ==
        "LINE 1: alter role zz password ***\nnext");
  CHECK(mask_text("alter role zz password E'Z\\'q9' login") == "alter role zz password E*** login");
  CHECK(mask_text("password = 'a b' host = h") == "password = *** host = h");
  for (const std::string text : {"password authentication failed for user \"ann\"",
                                 "the password is wrong: \"x\"",
                                 "a document with email ann@example.com was refused",
                                 "{\"mail\":\"ann@example.com\"}",
                                 "{mail:'ann@example.com'}",
                                 "users:find{email='ann@example.com'}",
                                 "users:find('ann@x')",
                                 "{name:'ann@example.com'}",
                                 "mailto:ann@example.com",
                                 "from:ann@example.com, to:bob@example.com",
                                 "meet at 10:30@noon",
                                 "10:30:00@noon",
                                 "2026-01-01T10:30:00@zone",
                                 "cannot read C:\\ann@work\\dump",
                                 "cannot read C:/ann@work/dump",
                                 "dump/a:b@c/users.bson",
                                 "users.lua:12: ann@example.com",
                                 "password == nil",
                                 "local:./pg@x",
                                 "git@github.com:a/b",
                                 "set lock_timeout = '5s'",
                                 "it's a = b, isn't it",
                                 "https://example.com/docs?page=2",
                                 "postgresql://db/shop",
                                 "--where \"age >= 5\"",
                                 "what \"a\" is to 'b' @ all",
                                 "password $1",
                                 "passfile=/x/.pgpass",
                                 "@",
                                 "=",
                                 "\"",
                                 ":@"})
    CHECK(mask_text(text) == text);
}

TEST_CASE("an error holds no secret") {
  Error error(Code::kConfig, "no \"u:Zq9@h/d\"", "say password=Zq9");
  error.note("place", "postgresql://u:Zq9@h/d");
  CHECK(std::string_view(error.what()) ==
        "no \"u:***@h/d\" (place postgresql://u:***@h/d); say password=***");
  CHECK(error.message() == "no \"u:***@h/d\"");
}

TEST_CASE("digests agree with their standards") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 9562 appendix A.4: www.example.com in the DNS name space.
  Uuid dns;
  REQUIRE(parse_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", dns.data()));
  CHECK(uuid_text(uuid_v5(dns, "www.example.com").data()) ==
        "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  Uuid out;
  CHECK(parse_uuid("{2ED6657D-E927-568B-95E1-2665A8AEA6A2}", out.data()));
  CHECK(uuid_text(out.data()) == "2ed6657d-e927-568b-95e1-2665a8aea6a2");
  CHECK_FALSE(parse_uuid("2ed6657d-e927-568b-95e1-2665a8aea6a", out.data()));
  CHECK_FALSE(parse_uuid("2ed6657de-927-568b-95e1-2665a8aea6a2", out.data()));
}
