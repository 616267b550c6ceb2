#include "engine/check_manifests.hpp"

#include <algorithm>

namespace lugger {
namespace {

bool has_vectors(const PlanShape& shape) {
  return !shape.mapping().manifests.empty() ||
         std::ranges::any_of(shape.tables()[0].columns, [](const Column& column) {
           return column.type.kind == Kind::kVector || column.type.kind == Kind::kHalfvec ||
                  column.type.kind == Kind::kSparsevec;
         });
}

void tell(const std::vector<std::string>& mismatches, const Mapping& mapping,
          TargetReport& report) {
  if (mapping.other_manifest) {
    for (const std::string& one : mismatches)
      report.warnings.push_back("vectors of another making: " + one);
    return;
  }
  for (const std::string& one : mismatches) {
    report.problems.push_back(
        fmt::format("vectors of another making: {}; such vectors cannot be compared: embed the "
                    "texts anew (`lugger vector decide` tells why, and what that costs), or give "
                    "them a column of their own; on_mismatch = 'warn' in the manifest lets them "
                    "pass",
                    one));
  }
}

}  // namespace

std::vector<std::string> target_mismatches(const std::vector<VectorManifest>& wanted,
                                           const std::vector<VectorManifest>& kept) {
  std::vector<std::string> out;
  for (const VectorManifest& stands : kept) {
    const auto comes = std::ranges::find(wanted, stands.column, &VectorManifest::column);
    if (comes == wanted.end()) continue;
    for (const std::string& one : manifest_differences(stands, *comes))
      out.push_back(fmt::format("{}: those in the target have {}", stands.column, one));
  }
  return out;
}

void check_manifests(JobImpl& job, TargetReport& report) {
  const PlanShape& shape = *job.shape_once();
  if (!has_vectors(shape)) return;
  const Mapping& mapping = shape.mapping();
  tell(job.mismatches, mapping, report);
  const std::vector<VectorManifest> kept = job.target->manifests(shape);
  if (!report.holds_rows) return;
  tell(target_mismatches(mapping.manifests, kept), mapping, report);
  const auto names = [](const std::vector<VectorManifest>& list, const std::string& column) {
    return std::ranges::find(list, column, &VectorManifest::column) != list.end();
  };
  const auto has_model = [](const std::vector<VectorManifest>& list, const std::string& column) {
    return std::ranges::any_of(list, [&](const VectorManifest& one) {
      return one.column == column && !one.model.empty();
    });
  };
  for (const VectorManifest& one : kept) {
    if (one.model.empty() || names(mapping.manifests, one.column)) continue;
    report.warnings.push_back(
        fmt::format("{} holds vectors of {}, and nothing tells how those to come were made: say it "
                    "in manifest = {{ model = '...' }}",
                    one.column, manifest_words(one)));
  }
  for (const VectorManifest& one : mapping.manifests) {
    if (one.model.empty() || has_model(kept, one.column)) continue;
    report.warnings.push_back(fmt::format(
        "{} holds rows, and nothing tells how their vectors were made: from this run on they all "
        "count as of {}",
        one.column, manifest_words(one)));
  }
}

}  // namespace lugger
