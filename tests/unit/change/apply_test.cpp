#include "change/apply.hpp"

#include <random>

#include "oplogs.hpp"
#include "value/bson_writer.hpp"

namespace lugger::test {
namespace {

std::string json_of(std::string single_quoted) {
  std::replace(single_quoted.begin(), single_quoted.end(), '\'', '"');
  return single_quoted;
}

std::string applied(const std::string& document, const std::string& update) {
  const std::string pre = bson(json_of(document)), change = bson(json_of(update));
  ByteBuffer out;
  out.append(std::string_view("before"));
  const ApplyFault fault = apply_update(as_bytes(pre), as_bytes(change), out);
  REQUIRE(out.text().starts_with("before"));
  if (fault != ApplyFault::kNone) {
    CHECK(out.size() == 6);
    return "fault: " + std::string(fault_text(fault));
  }
  const Bytes post = out.view().subspan(6);
  REQUIRE(validate_bson(post) == BsonFault::kNone);
  return text(post);
}
std::string delta(const std::string& document, const std::string& diff) {
  return applied(document, "{'$v': 2, 'diff': " + diff + "}");
}
std::string modifiers(const std::string& document, const std::string& fields) {
  return applied(document, "{'$v': 1, " + fields + "}");
}

}  // namespace

TEST_CASE("N-03 a diff changes a document as the server does") {
  CHECK(delta("{'_id':1,'a':1,'b':{'x':1,'y':2},'arr':[1,{'k':1},3,4]}",
              "{'d':{'a':false},'u':{'z':9},'i':{'n':'new'},'sb':{'u':{'x':5},'i':{'w':0}},"
              "'sarr':{'a':true,'l':3,'u0':10,'s1':{'u':{'k':2}}}}") ==
        R"({"_id":1,"b":{"x":5,"y":2,"w":0},"arr":[10,{"k":2},3],"z":9,"n":"new"})");
  CHECK(delta("{'a':[1]}", "{'sa':{'a':true,'u3':7}}") == R"({"a":[1,null,null,7]})");
  CHECK(delta("{'a':5}", "{'sa':{'u':{'b':1}}}") == R"({"a":null})");
}

TEST_CASE("an insert of a field that is there moves it to the end, an update leaves it") {
  CHECK(delta("{'a':1,'b':2,'c':3}", "{'i':{'a':9}}") == R"({"b":2,"c":3,"a":9})");
  CHECK(delta("{'a':1,'b':2}", "{'u':{'a':9}}") == R"({"a":9,"b":2})");
  CHECK(delta("{'a':1}", "{'u':{'y':1},'i':{'z':2,'x':3}}") == R"({"a":1,"y":1,"z":2,"x":3})");
}

TEST_CASE("names in a diff are whole names") {
  CHECK(delta("{'a.b':1,'$c':2,'':{'':1}}", "{'u':{'a.b':5},'d':{'$c':false},'s':{'u':{'':7}}}") ==
        R"({"a.b":5,"":{"":7}})");
  CHECK(delta("{'s':{'a':true},'sx':1}", "{'u':{'sx':2},'ss':{'u':{'a':false}}}") ==
        R"({"s":{"a":false},"sx":2})");
}

TEST_CASE("a part that has another type by now becomes null") {
  CHECK(delta("{'a':[1,2]}", "{'sa':{'u':{'0':5}}}") == R"({"a":null})");
  CHECK(delta("{'a':{'0':1}}", "{'sa':{'a':true,'u0':5}}") == R"({"a":null})");
  CHECK(delta("{'a':[1,2]}", "{'sa':{'a':true,'s1':{'u':{'x':1}},'s4':{'u':{'y':1}}}}") ==
        R"({"a":[1,null,null,null,null]})");
  CHECK(delta("{'b':1}", "{'sa':{'u':{'x':1}}}") == R"({"b":1})");
}

TEST_CASE("arrays are cut and grown") {
  CHECK(delta("{'a':[1,2,3]}", "{'sa':{'a':true,'l':1}}") == R"({"a":[1]})");
  CHECK(delta("{'a':[1]}", "{'sa':{'a':true,'l':3}}") == R"({"a":[1,null,null]})");
  CHECK(delta("{'a':[[1,2],[3]]}", "{'sa':{'a':true,'s0':{'a':true,'l':1},'u1':'x'}}") ==
        R"({"a":[[1],"x"]})");
}

TEST_CASE("a binary diff replaces the end of a binary") {
  const std::string pre = R"({"data":{"x":{"$binary":{"base64":"AAECAwQF","subType":"07"}}}})";
  CHECK(delta(pre,
              "{'sdata':{'b':{'x':{'o':3,'d':{'$binary':{'base64':'/v8=','subType':'00'}}}}}}") ==
        R"({"data":{"x":{"$binary":{"base64":"AAEC/v8=","subType":"07"}}}})");
  CHECK(delta("{'x':1}", "{'b':{'x':{'o':0,'d':{'$binary':{'base64':'','subType':'00'}}}}}") ==
        R"({"x":null})");
}

TEST_CASE("diffs that no server writes are refused") {
  CHECK(delta("{'a':1}", "{'q':{'a':1}}") == "fault: its diff has a key of no known meaning");
  CHECK(delta("{'a':1}", "{'u':5}") == "fault: its diff has a key of no known meaning");
  CHECK(delta("{'a':1}", "{'a':true,'u0':1}") == "fault: its diff has a key of no known meaning");
  CHECK(delta("{'a':1}", "{'d':{'a':false},'u':{'a':2}}") == "fault: it changes one field twice");
  for (const char* diff :
       {"{'a':true,'u1':1,'u0':2}", "{'a':true,'u0':1,'u0':2}", "{'a':true,'l':1,'u1':2}",
        "{'a':true,'l':-1}", "{'a':true,'ux':1}", "{'a':true,'u':1}", "{'a':true,'s0':1}",
        "{'a':true,'u99999999999999999999':1}"}) {
    CHECK(delta("{'a':[1,2]}", fmt::format("{{'sa':{}}}", diff)) ==
          "fault: its changes to an array are out of order");
  }
  CHECK(delta("{'a':[]}", "{'sa':{'a':true,'l':2147483647}}") ==
        "fault: the document would be larger than MongoDB allows");
  CHECK(delta("{'a':[]}", "{'sa':{'a':true,'u4294967295':1}}") ==
        "fault: the document would be larger than MongoDB allows");
  CHECK(applied("{'a':1}", "{'$v':3,'x':1}") == "fault: its $v is neither 1 nor 2");
  CHECK(applied("{'a':1}", "{'$v':'2'}") == "fault: its $v is neither 1 nor 2");
  CHECK(applied("{'a':1}", "{'$v':2}") == "fault: its diff has a key of no known meaning");
}

TEST_CASE("N-03 modifiers of older servers set and unset") {
  CHECK(modifiers("{'_id':1,'a':{'b':1},'arr':[1,2]}",
                  "'$set':{'a.b':5,'arr.1':9,'n':1},'$unset':{'arr.0':true}") ==
        R"({"_id":1,"a":{"b":5},"arr":[null,9],"n":1})");
  CHECK(modifiers("{'a':{'b':1,'c':2},'d':1}", "'$unset':{'a.b':true,'d':true,'x.y':true}") ==
        R"({"a":{"c":2}})");
  CHECK(modifiers("{}", "'$set':{'a.b.c':1,'a.b.a':2}") == R"({"a":{"b":{"a":2,"c":1}}})");
  CHECK(modifiers("{'a':[]}", "'$set':{'a.2.x':1}") == R"({"a":[null,null,{"x":1}]})");
}

TEST_CASE("new fields of modifiers come by name, numbers by value") {
  CHECK(modifiers("{'z':1}", "'$set':{'c':1,'a':2,'10':3,'9':4,'b':5}") ==
        R"({"z":1,"9":4,"10":3,"a":2,"b":5,"c":1})");
  CHECK(modifiers("{'a':[0]}", "'$set':{'a.10':1,'a.9':2}") ==
        R"({"a":[0,null,null,null,null,null,null,null,null,2,1]})");
  CHECK(applied("{'z':1}", "{'$set':{'c':1,'a':2,'b.y':3},'$unset':{'z':1}}") ==
        R"({"c":1,"a":2,"b":{"y":3}})");
}

TEST_CASE("modifiers whose path leads nowhere by now change nothing") {
  CHECK(
      modifiers("{'a':5,'b':[1]}", "'$set':{'a.b':1,'b.x':2,'b.01':3,'c':4},'$unset':{'a.c':1}") ==
      R"({"a":5,"b":[1],"c":4})");
}

TEST_CASE("modifiers that no server writes are refused") {
  CHECK(modifiers("{'a':1}", "'$inc':{'a':1}") ==
        "fault: it has an operator other than $set and $unset");
  CHECK(modifiers("{'a':1}", "'$set':{'a':1,'a.b':2}") == "fault: it changes one field twice");
  CHECK(modifiers("{'a':1}", "'$set':{'a':1},'$unset':{'a':1}") ==
        "fault: it changes one field twice");
  CHECK(modifiers("{'a':[]}", "'$set':{'a.99999999':1}") ==
        "fault: the document would be larger than MongoDB allows");
  std::string deep = "a";
  for (int i = 0; i < 1000; ++i) deep += ".a";
  CHECK(modifiers("{'a':1}", "'$set':{'b':1,'" + deep + "':1}") == R"({"a":1,"b":1})");
  CHECK(modifiers("{}", "'$set':{'" + deep + "':1}") == "fault: it is nested too deep");
}

TEST_CASE("a replacement keeps the _id it does not name") {
  CHECK(applied("{'_id':7,'a':1}", "{'b':2}") == R"({"_id":7,"b":2})");
  CHECK(applied("{'_id':7,'a':1}", "{'b':2,'_id':7}") == R"({"b":2,"_id":7})");
  CHECK(applied("{'_id':7,'a':1}", "{}") == R"({"_id":7})");
}

TEST_CASE("bytes that are no BSON are refused, whatever is cut") {
  const std::string pre = bson(R"({"_id":1,"a":{"b":[1,2,{"c":"text"}]},"d":"more"})");
  const std::string change = bson(
      R"({"$v":2,"diff":{"d":{"d":false},"i":{"n":[1,2]},"sa":{"sb":{"a":true,"s2":{"u":{"c":"x"}}}}}})");
  std::mt19937 random(1);
  ByteBuffer out;
  for (int i = 0; i < 20000; ++i) {
    std::string one = pre, other = change;
    std::string& hurt = i % 2 == 0 ? one : other;
    hurt[random() % hurt.size()] = static_cast<char>(random());
    out.clear();
    const ApplyFault fault = apply_update(as_bytes(one), as_bytes(other), out);
    if (fault != ApplyFault::kNone) CHECK(out.empty());
  }
}

TEST_CASE("replaying a window over a document that is newer ends at the same state") {
  const std::vector<std::string> window = {"{'$v':2,'diff':{'i':{'a':{'x':1}}}}",
                                           "{'$v':2,'diff':{'sa':{'u':{'x':2},'i':{'y':[1]}}}}",
                                           "{'$v':2,'diff':{'sa':{'sy':{'a':true,'u1':5}}}}",
                                           "{'$v':2,'diff':{'u':{'a':'text'},'i':{'n':1}}}",
                                           "{'$v':2,'diff':{'d':{'n':false},'i':{'m':0}}}"};
  std::vector<std::string> states = {R"({"_id":1,"k":0})"};
  for (const std::string& update : window) states.push_back(applied(states.back(), update));
  for (const std::string& begin : states) {
    std::string state = begin;
    for (const std::string& update : window) state = applied(state, update);
    CHECK(state == states.back());
  }
}

}  // namespace lugger::test
