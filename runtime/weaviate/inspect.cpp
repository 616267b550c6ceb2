#include "weaviate/inspect.hpp"

#include <algorithm>

#include "weaviate/awake.hpp"

namespace lugger {

void inspect_sleeping(const PlanShape& plan, const WeaviateTenant& tenant,
                      const LayoutOptions& options, TargetReport& report) {
  report.holds_rows = true;
  report.mode = kReplaceMode;
  report.mode_reason =
      "the tenant is off, so what it holds is not known: objects of equal ids are replaced";
  if (!tenant.off || options.tenant_state.empty()) {
    report.problems.push_back(
        fmt::format("the tenant {} is not active: {}", tenant.name,
                    tenant.off ? "activate it, or inactive = 'activate' does so while it is loaded"
                               : "what is offloaded is not turned on by lugger"));
    return;
  }
  report.warnings.push_back(fmt::format(
      "the tenant {} is off: it is turned on while it is loaded, and off again behind it",
      tenant.name));
  if (plan.mapping().on_conflict == OnConflict::kError) {
    report.problems.push_back(
        fmt::format("the tenant {} is off, so nobody knows whether it holds objects: on_conflict = "
                    "'update' replaces those of equal ids; or activate it",
                    tenant.name));
  }
}

void tell_left_on(const std::shared_ptr<HttpEndpoint>& endpoint, const LayoutOptions& options,
                  TargetReport& report) {
  if (options.tenant_state.empty()) return;
  const auto awake =
      std::make_shared<AwakeTenants>(endpoint, options.class_name, options.tenant_state);
  const std::vector<std::string> left = awake->left_on();
  if (std::ranges::find(left, options.tenant) == left.end()) return;
  report.warnings.push_back(
      fmt::format("the tenant {} was turned on by a run that was killed: the next run turns it off",
                  options.tenant));
}

void check_lengths(const PlanShape& plan, const ClassLayout& layout,
                   const std::map<std::string, uint32_t>& lengths, TargetReport& report) {
  for (size_t i = 0; i < layout.slots.size(); ++i) {
    const SlotLayout& slot = layout.slots[i];
    const Column& column = plan.tables()[0].columns[i];
    const ColumnType type = slot.array ? column.type.element_type() : column.type;
    const auto found = lengths.find(slot.name);
    if (slot.form != ObjectForm::kVector || found == lengths.end() || type.length == 0) continue;
    if (found->second == static_cast<uint32_t>(type.length)) continue;
    report.problems.push_back(
        fmt::format("{} is {}, and the vectors of {} have {} dimensions: no object would be taken; "
                    "load a class of its own",
                    column.name, column.type.sql, layout.class_name, found->second));
  }
}

}  // namespace lugger
