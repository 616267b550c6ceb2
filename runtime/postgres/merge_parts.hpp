// Parts of the statements of merge.hpp.
#pragma once
#include <string>
#include <vector>

#include "postgres/layout.hpp"

namespace lugger::merge_parts {

template <typename Indices, typename Part>
inline std::string join(const Indices& indices, std::string_view between, Part&& part) {
  std::string out;
  for (size_t i : indices) {
    if (!out.empty()) out += between;
    out += part(i);
  }
  return out;
}

inline std::vector<size_t> all_fields(const PgTableLayout& layout) {
  std::vector<size_t> out(layout.fields.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

inline std::vector<size_t> compared_fields(const PgTableLayout& layout) {
  std::vector<size_t> out;
  for (size_t i = 0; i < layout.fields.size(); ++i) {
    if (layout.fields[i].update) out.push_back(i);
  }
  return out;
}

/// A staged value as the column's type.
inline std::string staged(const PgTableLayout& layout, size_t field, std::string_view alias) {
  return fmt::format("{}.{}{}", alias, stage_column(field), layout.fields[field].cast);
}

/// Are the compared columns stored otherwise than they come? By their binary images, which no type
/// lacks: what a type finds equal may differ in its text ("a" and "A" of citext, 1.0 and 1.00, 0 and
/// -0). "false" when there are none.
template <typename Left, typename Right>
inline std::string distinct(const PgTableLayout& layout, Left&& left, Right&& right) {
  const std::vector<size_t> fields = compared_fields(layout);
  if (fields.empty()) return "false";
  return fmt::format("pg_catalog.record_image_ne(ROW({}), ROW({}))", join(fields, ", ", left),
                     join(fields, ", ", right));
}

inline std::string stored(const PgTableLayout& layout, size_t field) {
  return "t." + layout.fields[field].name;
}

inline std::string staged_for_compare(const PgTableLayout& layout, size_t field,
                                      std::string_view alias) {
  return fmt::format("{}.{}{}", alias, stage_column(field), layout.fields[field].compare_cast);
}

/// A repair keeps stored rows that are newer.
inline bool keeps_newer(const PgTableLayout& layout) {
  return layout.mend && !layout.newer.empty();
}

inline std::string key_names(const PgTableLayout& layout) {
  return join(layout.key, ", ", [&](size_t f) { return layout.fields[f].name; });
}

inline std::string set_list(const PgTableLayout& layout) {
  return join(compared_fields(layout), ", ",
              [&](size_t f) { return fmt::format("{0} = EXCLUDED.{0}", layout.fields[f].name); });
}

inline std::string insert_into(const PgTableLayout& layout, bool alias) {
  return fmt::format("INSERT INTO {}{} ({}){}", layout.table, alias ? " AS t" : "",
                     layout.column_list(),
                     layout.identity_always ? " OVERRIDING SYSTEM VALUE" : "");
}

inline std::string staged_values(const PgTableLayout& layout) {
  return join(all_fields(layout), ", ", [&](size_t f) { return staged(layout, f, "s"); });
}

}  // namespace lugger::merge_parts
