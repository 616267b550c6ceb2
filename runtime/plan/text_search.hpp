// The column that holds the words of a text column, for text search.
#pragma once
#include "plan/object_names.hpp"

namespace lugger {

/// "body_tsv" beside "body".
inline std::string text_search_column(std::string_view column) {
  return fitted_name(column, "_tsv");
}

}  // namespace lugger
