// Reads records back as rows, for verify.
#pragma once
#include <memory>

#include "pinecone/address.hpp"
#include "pinecone/freshness.hpp"
#include "pinecone/layout.hpp"
#include "place/rows.hpp"

namespace lugger {

std::unique_ptr<Rows> make_pinecone_rows(const PineconeAddress& address,
                                         const RecordOptions& options,
                                         std::shared_ptr<PineconeFreshness> freshness);

}  // namespace lugger
