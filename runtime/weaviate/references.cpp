#include "weaviate/references.hpp"

#include <fmt/format.h>

#include "weaviate/importer.hpp"
#include "weaviate/object_writer.hpp"

namespace lugger {

std::vector<std::string> write_references(
    const std::shared_ptr<HttpEndpoint>& endpoint, const TablePlan& table,
    const ClassLayout& layout, const std::string& identity, bool all,
    const std::function<void(const std::function<void(Batch&)>& use)>& again) {
  ObjectWriter writer(table, layout, true);
  ObjectImporter importer(endpoint, nullptr, layout.class_name, layout.tenant, identity,
                          IfRefused::kLeave);
  ByteBuffer object;
  again([&](Batch& batch) {
    const RowSet& rows = batch.tables[0];
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      if (!all && !writer.refers(rows.row(i))) continue;
      object.clear();
      int column = -1;
      // What is no object is a reject of the first pass.
      if (writer.append(rows.row(i), column, object) == Failure::kNone)
        importer.add(object.text(), "", writer.id());
    }
    importer.send(false);
  });
  importer.send(true);
  const std::vector<BatchRefusal>& refused = importer.refused();
  if (refused.empty()) return {};
  return {fmt::format("{} objects of {} stand without their references: {}", refused.size(),
                      layout.class_name, refused.front().reason)};
}

}  // namespace lugger
