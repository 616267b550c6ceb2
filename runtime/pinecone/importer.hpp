// Upserts records, and keeps how far the index says that it is.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "pinecone/server.hpp"
#include "store/batches.hpp"

namespace lugger {

/// What was written last, by namespace, as the index numbers its writes. Any thread.
class WrittenLsns {
 public:
  void note(const std::string& name_space, PineconeLsn lsn);
  std::map<std::string, uint64_t> all();

 private:
  std::mutex mutex_;
  std::map<std::string, uint64_t> lsns_;
};

class RecordImporter final : public ObjectBatches {
 public:
  RecordImporter(const std::shared_ptr<HttpEndpoint>& data, const PineconeIndex& index,
                 std::shared_ptr<WrittenLsns> written);

 private:
  Posted post(const std::string& group, std::span<const size_t> objects) override;

  PineconeData data_;
  const std::string index_;
  const bool documents_;
  const std::shared_ptr<WrittenLsns> written_;
  std::string body_;
};

}  // namespace lugger
