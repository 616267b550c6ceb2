// Progress and results of stages as Lua tables.
#include "bindings/tables.hpp"

namespace lugger {

static constexpr Field<StepProgress> kStepProgress[] = {
    field<&StepProgress::step>("step"),
    field<&StepProgress::table>("table"),
    field<&StepProgress::phase>("phase", "as pg_stat_progress_create_index says it"),
    field<[](const StepProgress& step) { return when(step.share >= 0, step.share); }>("share",
                                                                                      "0 to 1"),
    field<&StepProgress::seconds>("seconds"),
    field<&StepProgress::waiting>("waiting", "for whom: a session, described"),
};
Record<StepProgress> record_of(const StepProgress*) {
  return {"lugger.step_progress", "", kStepProgress};
}

static constexpr Field<Refused> kRefused[] = {
    field<&Refused::table>("table"),
    field<&Refused::column>("column", "names, comma separated; \"\" for a check"),
    field<&Refused::constraint>("constraint"),
    field<&Refused::kind>(
        "kind", "\"not null\", \"check\", \"unique\", \"foreign key\", \"too long\", \"required\""),
    field<&Refused::rows>("rows", "0: it cannot be counted; message says why"),
    field<&Refused::examples>("examples", "keys of such rows"),
    field<&Refused::message>("message"),
};
Record<Refused> record_of(const Refused*) {
  return {"lugger.refused", "rows that a constraint would refuse", kRefused};
}

static constexpr Field<StepRecord> kStepRecord[] = {
    field<&StepRecord::job>("job"),
    field<[](const StepRecord& step) { return stage_word(step.stage); }>("stage", "",
                                                                         R"("index"|"constrain")"),
    field<&StepRecord::step>("step", "\"index users users_email_1\""),
    field<&StepRecord::run>("run"),
    word_field<&StepRecord::status, kStepStatusWords>("status"),
    field<&StepRecord::statement>("statement"),
    field<&StepRecord::message>("message"),
    field<&StepRecord::tries>("tries"),
    field<&StepRecord::started>("started"),
    field<&StepRecord::ended>("ended"),
};
Record<StepRecord> record_of(const StepRecord*) { return {"lugger.step_record", "", kStepRecord}; }

}  // namespace lugger
