#include "bindings/fix_tables.hpp"

namespace lugger {

static constexpr Field<FixSample::Cell> kCell[] = {
    field<&FixSample::Cell::field>("field"),
    field<&FixSample::Cell::before>("before", "nil is NULL"),
    field<&FixSample::Cell::after>("after", "nil is NULL"),
};
Record<FixSample::Cell> record_of(const FixSample::Cell*) { return {"lugger.fix_cell", "", kCell}; }

static constexpr Field<FixSample> kSample[] = {
    field<&FixSample::key>("key"),
    field<&FixSample::cells>("cells", "of what changes only"),
};
Record<FixSample> record_of(const FixSample*) {
  return {"lugger.fix_sample", "a row before and after", kSample};
}

static constexpr Field<FixRefusal> kRefusal[] = {
    field<&FixRefusal::key>("key"),
    field<&FixRefusal::code>("code"),
    field<&FixRefusal::message>("message"),
};
Record<FixRefusal> record_of(const FixRefusal*) {
  return {"lugger.fix_refusal", "a row that was left as it is, and why", kRefusal};
}

static constexpr Field<FixFieldReport::Pair> kPair[] = {
    field<&FixFieldReport::Pair::before>("before", "nil is NULL"),
    field<&FixFieldReport::Pair::after>("after", "nil is NULL"),
    field<&FixFieldReport::Pair::rows>("rows"),
};
Record<FixFieldReport::Pair> record_of(const FixFieldReport::Pair*) {
  return {"lugger.fix_pair", "", kPair};
}

static constexpr Field<FixFieldReport> kFieldReport[] = {
    field<&FixFieldReport::field>("field"),
    field<&FixFieldReport::rows>("rows"),
    field<&FixFieldReport::more>("more", "there were more pairs than are listed"),
    field<&FixFieldReport::pairs>("pairs", "most frequent first"),
};
Record<FixFieldReport> record_of(const FixFieldReport*) {
  return {"lugger.fix_field_report", "", kFieldReport};
}

static constexpr Field<FixReport> kReport[] = {
    field<&FixReport::kind>("kind", "", R"("fix"|"undo")"),
    field<&FixReport::table>("table"),
    field<&FixReport::where>("where"),
    field<&FixReport::applied>("applied"),
    field<&FixReport::retried>(
        "retried", "rows that other sessions changed meanwhile, and that were read again"),
    field<&FixReport::counted>("counted", "changes found before the first write"),
    field<&FixReport::fields>("fields", "one an entry of `set`"),
    field<&FixReport::samples>("samples"),
    field<&FixReport::refusals>("refusals", "the first of each code"),
    field<&FixReport::triggers>("triggers"),
    field<&FixReport::notes>("notes"),
    field<&FixReport::images_until>("images_until"),
};
Record<FixReport> record_of(const FixReport*) { return {"lugger.fix_report", "", kReport}; }

}  // namespace lugger
