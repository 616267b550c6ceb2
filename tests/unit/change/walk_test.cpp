#include "change/metadata.hpp"
#include "change/update_counts.hpp"
#include "oplogs.hpp"

namespace lugger::test {
namespace {

using Texts = std::vector<std::string>;

const std::string kInsert = "'op':'i','ns':'shop.a','o':{'_id':1,'n':1}";

std::string transaction(const std::string& o, int number = 1, int before = 0) {
  return fmt::format(
      "'op':'c','ns':'admin.$cmd','lsid':{{'id':1}},'txnNumber':{{'$numberLong':'{}'}},"
      "'prevOpTime':{{'ts':{{'$timestamp':{{'t':{},'i':0}}}},'t':1}},'o':{}",
      number, before, o);
}
std::string insert(int id, const std::string& ns = "shop.a") {
  return fmt::format("{{'op':'i','ns':'{}','o':{{'_id':{}}}}}", ns, id);
}
std::string operations(std::initializer_list<int> ids, const std::string& more = {}) {
  std::string out;
  for (const int id : ids) out += (out.empty() ? "" : ",") + insert(id);
  return fmt::format("{{'applyOps':[{}]{}}}", out, more);
}
std::string command(const std::string& o) { return "'op':'c','ns':'shop.$cmd','o':" + o; }

/// "name file lineage" of what is left, with the uuids of files known or not.
Texts left(const Oplog& oplog, const Texts& files, const Texts& uuids = {}) {
  const OplogSummary summary = oplog.summary();
  std::vector<DumpFile> dump;
  for (size_t i = 0; i < files.size(); ++i)
    dump.push_back({files[i], i < uuids.size() ? uuids[i] : ""});
  Texts out;
  for (const EndState& end : end_states(summary.lineages, summary.dropped_databases, dump)) {
    out.push_back(end.ns + " " + (end.file == EndState::kNone ? "-" : files[end.file]) +
                  (end.lineage == EndState::kNone ? " untouched" : ""));
  }
  return out;
}

}  // namespace

TEST_CASE("N-03 a summary tells window and changes") {
  const Oplog oplog{kInsert, "'op':'n','ns':'','o':{'msg':'beat'}",
                    "'op':'u','ns':'shop.a','o':{'$v':2,'diff':{'u':{'n':2}}},'o2':{'_id':1}",
                    "'op':'d','ns':'shop.b','o':{'_id':1}"};
  const OplogSummary summary = oplog.summary();
  CHECK(summary.entries == 4);
  CHECK(summary.changes == 3);
  CHECK(time_text(summary.first) == "1970-01-01T00:01:40Z (Timestamp(100, 1))");
  CHECK(summary.last >> 32 == 103);
  CHECK(oplog.changes() == Texts{"i shop.a 1", "u shop.a 1", "d shop.b 1"});
}

TEST_CASE("N-03 transactions are applied when they were committed") {
  CHECK(Oplog{transaction(operations({1, 2}))}.changes() == Texts{"i shop.a 1", "i shop.a 2"});
  const Oplog split{transaction(operations({1}, ",'partialTxn':true")),
                    transaction(operations({9}), 2),
                    transaction(operations({2}, ",'partialTxn':true"), 1, 100),
                    transaction(operations({3}, ",'count':{'$numberLong':'3'}"), 1, 102)};
  CHECK(split.changes() == Texts{"i shop.a 1", "i shop.a 9", "i shop.a 2", "i shop.a 3"});
  const std::string prepared = operations({1}, ",'prepare':true");
  const std::string commit = "{'commitTransaction':1}", abort = "{'abortTransaction':1}";
  CHECK(Oplog{transaction(prepared), transaction(commit, 1, 100)}.changes() == Texts{"i shop.a 1"});
  CHECK(Oplog{transaction(prepared), transaction(abort, 1, 100), kInsert}.changes() ==
        Texts{"i shop.a 1"});
  CHECK(Oplog{transaction(prepared), transaction(abort, 1, 100)}.summary().lineages.empty());
}

TEST_CASE("a transaction that is open when the oplog ends did nothing") {
  const Oplog oplog{transaction(operations({1}, ",'partialTxn':true")),
                    transaction(operations({2}, ",'prepare':true"), 1, 100),
                    transaction(operations({7}), 2)};
  CHECK(oplog.changes() == Texts{"i shop.a 7"});
  CHECK(oplog.summary().open_transactions == 1);
}

TEST_CASE("a transaction whose beginning is missing is an error") {
  for (const Oplog& oplog : {Oplog{transaction(operations({2}), 1, 90)},
                             Oplog{transaction("{'commitTransaction':1}", 1, 90)}}) {
    const Error error = error_of([&] { oplog.summary(); });
    CHECK_THAT(error.what(), ContainsSubstring("entry 1") && ContainsSubstring("beginning"));
  }
}

TEST_CASE("applyOps outside of transactions, nested and vectored") {
  CHECK(Oplog{"'op':'c','ns':'admin.$cmd','o':" + operations({1, 2})}.changes().size() == 2);
  CHECK(Oplog{"'multiOpType':1," + transaction(operations({1, 2}), 1, 50)}.changes().size() == 2);
  const std::string inner = "{'op':'c','ns':'admin.$cmd','o':" + operations({5}) + "}";
  CHECK(Oplog{"'op':'c','ns':'admin.$cmd','o':{'applyOps':[" + inner + "," + insert(6) + "]}"}
            .changes() == Texts{"i shop.a 5", "i shop.a 6"});
  std::string deep = insert(1);
  for (int i = 0; i < 20; ++i)
    deep = "{'op':'c','ns':'admin.$cmd','o':{'applyOps':[" + deep + "]}}";
  CHECK_THAT(error_of([&] {
               Oplog{"'op':'c','ns':'admin.$cmd','o':{'applyOps':[" + deep + "]}"}.summary();
             }).what(),
             ContainsSubstring("applyOps"));
}

TEST_CASE("N-03 names follow create, rename and drop") {
  CHECK(left(Oplog{kInsert}, {"shop.a", "shop.b"}) ==
        Texts{"shop.b shop.b untouched", "shop.a shop.a"});
  CHECK(left(Oplog{command("{'create':'n'}")}, {}) == Texts{"shop.n -"});
  CHECK(left(Oplog{kInsert}, {}).empty());
  CHECK(left(Oplog{command("{'drop':'a'}")}, {"shop.a"}).empty());
  CHECK(left(Oplog{command("{'renameCollection':'shop.a','to':'shop.b'}")}, {"shop.a"}) ==
        Texts{"shop.b shop.a"});
  CHECK(left(Oplog{command("{'renameCollection':'shop.a','to':'shop.b'}")}, {"shop.b"}) ==
        Texts{"shop.b shop.b"});
  CHECK(left(Oplog{command("{'renameCollection':'shop.a','to':'shop.b','dropTarget':true}")},
             {"shop.a", "shop.b"}) == Texts{"shop.b shop.a"});
  CHECK(left(Oplog{command("{'dropDatabase':1}"), command("{'create':'n'}")},
             {"shop.a", "shop.n", "other.a"}) == Texts{"other.a other.a untouched", "shop.n -"});
}

TEST_CASE("a collection dropped and made again has none of the old documents") {
  const std::string ui = "'ui':{'$binary':{'base64':'AAAAAAAAAAAAAAAAAAAAAQ==','subType':'04'}},";
  const Oplog oplog{command("{'drop':'a'}"), ui + command("{'create':'a'}"), ui + kInsert};
  CHECK(left(oplog, {"shop.a"}) == Texts{"shop.a -"});
  CHECK(left(oplog, {"shop.a"}, {std::string(15, '\0') + '\1'}) == Texts{"shop.a shop.a"});
  CHECK(left(oplog, {"shop.a"}, {std::string(15, '\0') + '\2'}) == Texts{"shop.a -"});
  const OplogSummary summary = oplog.summary();
  CHECK_THAT(reason_gone(summary.lineages, "shop.x"), Catch::Matchers::Equals(""));
}

TEST_CASE("what cannot be replayed is named") {
  CHECK_THAT(error_of([] {
               Oplog{kInsert, command("{'importCollection':'a'}")}.summary();
             }).what(),
             ContainsSubstring("entry 2 is the command \"importCollection\""));
  CHECK_THAT(error_of([] { Oplog{"'op':'zz','ns':'shop.a','o':{}"}.summary(); }).what(),
             ContainsSubstring("operation \"zz\""));
  CHECK_THAT(error_of([] {
               Oplog{"'op':'u','ns':'shop.a','o':{'$v':7,'diff':{}},'o2':{'_id':1}"}.summary();
             }).what(),
             ContainsSubstring("$v"));
  const OplogSummary fine =
      Oplog{command("{'startIndexBuild':'a'}"), command("{'dropIdent':'x'}"),
            "'op':'c','ns':'config.$cmd','o':{'whatever':1}", "'op':'ci','ns':'shop.a','o':{}"}
          .summary();
  CHECK(fine.ignored.size() == 3);
}

TEST_CASE("entries that are damaged are told with their place") {
  std::string bad = bson(R"({"ts":1,"op":"i","ns":"a.b","o":{"_id":1,"s":"text"}})");
  bad[bad.size() - 8] = 'x';
  bad[bad.size() - 12] = '\x7F';
  Oplog oplog{kInsert};
  oplog.add_bytes(bad);
  const Error error = error_of([&] { oplog.summary(); });
  CHECK_THAT(error.what(), ContainsSubstring("entry 2"));
  CHECK(error.notes().at(0).first == "offset");
  Oplog nothing;
  nothing.add_bytes(bson("{\"a\":1}"));
  CHECK_THAT(error_of([&] { nothing.summary(); }).what(),
             ContainsSubstring("is not an entry of an oplog"));
}

TEST_CASE("indexes and options follow the oplog") {
  const Oplog oplog{
      command("{'createIndexes':'a','v':2,'key':{'k':1},'name':'k_1','unique':true}"),
      command("{'commitIndexBuild':'a','indexes':[{'v':2,'key':{'t':1},'name':'t_1'}]}"),
      command("{'dropIndexes':'a','index':'old'}"),
      command(
          "{'collMod':'a','index':{'name':'t_1','expireAfterSeconds':60},'validationLevel':'off'}"),
      command("{'renameCollection':'shop.a','to':'shop.b'}")};
  const OplogSummary summary = oplog.summary();
  const std::string before =
      R"({"options":{"capped":true,"size":{"$numberInt":"4096"},"max":{"$numberLong":"7"}},)"
      R"("indexes":[{"v":2,"key":{"_id":1},"name":"_id_"},{"v":2,"key":{"o":1},"name":"old"}],)"
      R"("uuid":"00112233445566778899aabbccddeeff","collectionName":"a","type":"collection"})";
  const std::string after = metadata_after(before, summary.lineages.at(0));
  CHECK_THAT(after,
             !ContainsSubstring("\"old\"") && ContainsSubstring("\"collectionName\":\"b\"") &&
                 ContainsSubstring(R"("unique":true)") &&
                 ContainsSubstring(R"("name":"t_1","expireAfterSeconds":{"$numberInt":"60"})") &&
                 ContainsSubstring(R"("validationLevel":"off")") &&
                 ContainsSubstring("00112233445566778899aabbccddeeff"));
  const CappedLimits limits = capped_limits(after);
  CHECK((limits.capped && limits.bytes == 4096 && limits.documents == 7));
  CHECK_FALSE(capped_limits("").capped);
}

TEST_CASE("updates are counted by collection and path") {
  const Oplog oplog{
      kInsert,
      "'op':'u','ns':'shop.a','o':{'$v':2,'diff':{'u':{'status':1},'saddress':{'i':{'city':1}},"
      "'slines':{'a':true,'u0':1,'s1':{'d':{'price':false}}}}},'o2':{'_id':1}",
      "'op':'u','ns':'shop.a','o':{'$v':1,'$set':{'status':1,'lines.3.price':2}},'o2':{'_id':1}",
      "'op':'u','ns':'shop.a','o':{'_id':1},'o2':{'_id':1}"};
  const UpdateCounts counts = count_updates(oplog.open(), "oplog.bson");
  const UpdateCounts::Collection& found = counts.collections.at("shop.a");
  CHECK(found.inserts == 1);
  CHECK(found.updates == 2);
  CHECK(found.replacements == 1);
  CHECK(found.paths ==
        std::map<std::string, uint64_t>{
            {"status", 2}, {"address.city", 1}, {"lines[]", 1}, {"lines[].price", 2}});
}

}  // namespace lugger::test
