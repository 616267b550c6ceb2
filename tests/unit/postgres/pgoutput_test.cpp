#include "postgres/pgoutput.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "postgres/wal_stream.hpp"

namespace lugger::test {
namespace {

using Kind = PgOutputEvent::Kind;

/// A message, as pgoutput writes it.
class Message {
 public:
  explicit Message(char type) { buffer_.push(static_cast<uint8_t>(type)); }
  template <typename T>
  Message& number(T value) {
    buffer_.append_be(value);
    return *this;
  }
  Message& text(std::string_view value) {
    buffer_.append(value);
    buffer_.push(0);
    return *this;
  }
  Message& letter(char value) {
    buffer_.push(static_cast<uint8_t>(value));
    return *this;
  }
  Message& value(std::string_view value) {
    letter('t').number(static_cast<uint32_t>(value.size()));
    buffer_.append(value);
    return *this;
  }
  Bytes bytes() const { return buffer_.view(); }

 private:
  ByteBuffer buffer_;
};

constexpr uint32_t kTable = 17;

Message relation(uint32_t oid, const std::vector<std::string>& columns) {
  Message out('R');
  out.number(oid).text("public").text("docs").letter('d');
  out.number(static_cast<uint16_t>(columns.size()));
  for (const std::string& name : columns)
    out.letter(1).text(name).number(uint32_t{25}).number(uint32_t{0xFFFFFFFF});
  return out;
}

PgOutput reader() { return PgOutput(kTable, {"b", "a"}, "table docs"); }

}  // namespace

TEST_CASE("pgoutput: keys come in the order of the source's key, and escaped") {
  PgOutput output = reader();
  CHECK(output.read(relation(kTable, {"a", "x", "b"}).bytes()).kind == Kind::kOther);
  Message insert('I');
  insert.number(kTable).letter('N').number(uint16_t{3}).value("1,%").letter('n').value("two");
  const PgOutputEvent& event = output.read(insert.bytes());
  CHECK(event.kind == Kind::kRow);
  CHECK(event.keys == std::vector<std::string>{"two,1%2C%25"});
}

TEST_CASE(
    "pgoutput: a changed key is two, and what is large and unchanged is taken from the old row") {
  PgOutput output = reader();
  output.read(relation(kTable, {"a", "b"}).bytes());
  Message update('U');
  update.number(kTable).letter('K').number(uint16_t{2}).value("1").value("long");
  update.letter('N').number(uint16_t{2}).value("2").letter('u');
  const PgOutputEvent& event = output.read(update.bytes());
  CHECK(event.keys == std::vector<std::string>{"long,1", "long,2"});
  CHECK(event.gone == 1);
  Message same('U');
  same.number(kTable).letter('N').number(uint16_t{2}).value("2").value("x");
  CHECK(output.read(same.bytes()).keys == std::vector<std::string>{"x,2"});
  CHECK(event.gone == 0);
  Message unknown('U');
  unknown.number(kTable).letter('N').number(uint16_t{2}).value("2").letter('u');
  CHECK_THROWS_AS(output.read(unknown.bytes()), Error);
  Message deleted('D');
  deleted.number(kTable).letter('K').number(uint16_t{2}).value("2").value("x");
  CHECK(output.read(deleted.bytes()).keys == std::vector<std::string>{"x,2"});
  CHECK(event.gone == 1);
}

TEST_CASE("pgoutput: other tables are passed, and a truncate of several is told of ours") {
  PgOutput output = reader();
  output.read(relation(kTable, {"a", "b"}).bytes());
  output.read(relation(99, {"z"}).bytes());
  Message insert('I');
  insert.number(uint32_t{99}).letter('N').number(uint16_t{1}).value("1");
  CHECK(output.read(insert.bytes()).kind == Kind::kOther);
  Message both('T');
  both.number(uint32_t{2}).letter(0).number(uint32_t{99}).number(kTable);
  CHECK(output.read(both.bytes()).kind == Kind::kTruncate);
  Message other('T');
  other.number(uint32_t{1}).letter(0).number(uint32_t{99});
  CHECK(output.read(other.bytes()).kind == Kind::kOther);
}

TEST_CASE("pgoutput: begin and commit") {
  PgOutput output = reader();
  Message begin('B');
  begin.number(uint64_t{0x100}).number(int64_t{1}).number(uint32_t{7});
  const PgOutputEvent& event = output.read(begin.bytes());
  CHECK(event.kind == Kind::kBegin);
  CHECK(event.lsn == 0x100);
  CHECK(event.xid == 7);
  CHECK(event.micros == 946'684'800'000'001);
  Message commit('C');
  commit.letter(0).number(uint64_t{0x100}).number(uint64_t{0x130}).number(int64_t{2});
  CHECK(output.read(commit.bytes()).lsn == 0x130);
}

TEST_CASE("pgoutput: what is cut short, or lacks the key, is an error") {
  PgOutput output = reader();
  CHECK_THROWS_AS(output.read(relation(kTable, {"a", "c"}).bytes()), Error);
  CHECK_THROWS_AS(output.read({}), Error);
  output.read(relation(kTable, {"a", "b"}).bytes());
  Message insert('I');
  insert.number(kTable).letter('N').number(uint16_t{2}).value("1").value("2");
  const Bytes whole = insert.bytes();
  for (size_t size = 1; size < whole.size(); ++size)
    CHECK_THROWS_AS(output.read(whole.first(size)), Error);
  Message wider('I');
  wider.number(kTable).letter('N').number(uint16_t{3}).value("1").value("2").value("3");
  CHECK_THROWS_AS(output.read(wider.bytes()), Error);
}

TEST_CASE("pg_lsn as text") {
  CHECK(lsn_text(0x16B374D848) == "16/B374D848");
  CHECK(lsn_of("16/B374D848") == Lsn{0x16B374D848});
  CHECK(lsn_of(lsn_text(~Lsn{0})) == ~Lsn{0});
  for (const char* wrong : {"", "16", "/", "16/", "/1", "16/G", "100000000/1", "1/-1", "1/1 "})
    CHECK_FALSE(lsn_of(wrong).has_value());
}

}  // namespace lugger::test
