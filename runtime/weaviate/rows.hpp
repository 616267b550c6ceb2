// Reads objects back as rows, for verify.
#pragma once
#include <memory>

#include "place/rows.hpp"
#include "weaviate/address.hpp"
#include "weaviate/layout.hpp"

namespace lugger {

std::unique_ptr<Rows> make_weaviate_rows(const WeaviateAddress& address,
                                         const LayoutOptions& options);

}  // namespace lugger
