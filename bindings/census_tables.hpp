// The census as plain Lua tables, with the same names as in census/census.hpp.
#pragma once
#include "bindings/record.hpp"
#include "census/references.hpp"
#include "census/survey.hpp"
#include "change/update_counts.hpp"
#include "postgres/load_trial.hpp"

namespace lugger {

Record<CensusType> record_of(const CensusType*);
Record<CensusLengths> record_of(const CensusLengths*);
Record<CensusIntegers> record_of(const CensusIntegers*);
Record<CensusDoubles> record_of(const CensusDoubles*);
Record<CensusDecimals> record_of(const CensusDecimals*);
Record<CensusDates> record_of(const CensusDates*);
Record<TextLooks> record_of(const TextLooks*);
Record<CensusTexts> record_of(const CensusTexts*);
Record<CensusTop> record_of(const CensusTop*);
Record<CensusSubtype> record_of(const CensusSubtype*);
Record<CensusVectors> record_of(const CensusVectors*);
Record<CensusPath> record_of(const CensusPath*);
Record<CensusDiscriminator::Kind> record_of(const CensusDiscriminator::Kind*);
Record<CensusDiscriminator> record_of(const CensusDiscriminator*);
Record<CensusFaultText> record_of(const CensusFaultText*);
Record<CensusBreak> record_of(const CensusBreak*);
Record<CensusSample> record_of(const CensusSample*);
Record<CollectionCensus> record_of(const CollectionCensus*);
Record<SurveySnapshot> record_of(const SurveySnapshot*);
Record<ReferenceCandidate> record_of(const ReferenceCandidate*);
Record<ReferenceCount::Example> record_of(const ReferenceCount::Example*);
Record<ReferenceCount> record_of(const ReferenceCount*);
Record<LoadTrial> record_of(const LoadTrial*);
Record<UpdateCounts::Collection> record_of(const UpdateCounts::Collection*);

}  // namespace lugger
