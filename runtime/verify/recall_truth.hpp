// The exact nearest neighbours of all queries among the vectors of one side.
#pragma once
#include <atomic>
#include <unordered_map>

#include "vector/elements.hpp"
#include "vector/exact_search.hpp"
#include "verify/recall_queries.hpp"

namespace lugger {

/// More neighbours than k are kept: those whose scores equal the k-th are as right as it.
constexpr size_t kept_neighbours(size_t k) noexcept { return 2 * k + 16; }

class Truth {
 public:
  Truth(const QuerySet& queries, const RecallColumn& column, Metric metric, size_t k)
      : queries_(queries), column_(column), metric_(metric), k_(k) {}

  struct Counts {
    uint64_t vectors = 0, without = 0, other_size = 0;
  };

  /// One worker's share of the rows.
  class Worker {
   public:
    explicit Worker(Truth& truth);
    /// `value(c)`: the row's value of the table's column c.
    template <typename ValueOf>
    void row(ValueOf&& value) {
      Floats floats;
      const Value& vector = value(truth_.column_.vector);
      if (vector.absent() || !take_floats(vector, room_, floats)) {
        ++counts_.without;
        return;
      }
      ++counts_.vectors;
      if (floats.size() != truth_.queries_.dimensions) {
        ++counts_.other_size;
        return;
      }
      std::string key;
      for (Group& group : groups_) {
        if (!matches(*group.of, value)) continue;
        if (key.empty()) key = key_of(value);
        add(group, floats, key);
      }
    }
    /// Once, after the last row.
    void end();

   private:
    friend class Truth;
    struct Group {
      const QueryGroup* of;
      ExactSearch search;
      std::vector<float> waiting;
      std::vector<std::string> keys;                    // of the waiting
      std::unordered_map<uint32_t, std::string> found;  // keys of what may be among the best
    };
    template <typename ValueOf>
    bool matches(const QueryGroup& group, ValueOf&& value) const {
      for (size_t i = 0; i < group.columns.size(); ++i) {
        const ComparedColumn& column = truth_.column_.table->columns[group.columns[i]];
        const Value& of = value(group.columns[i]);
        if (of.absent() || server_text(of, column) != group.filter[i].second) return false;
      }
      return true;
    }
    template <typename ValueOf>
    std::string key_of(ValueOf&& value) const {
      KeyText out;
      for (const size_t c : truth_.column_.key)
        out.push_back(server_text_or_null(value(c), truth_.column_.table->columns[c]));
      return hit_key(out);
    }
    void add(Group& group, Floats floats, const std::string& key);
    void search(Group& group);
    static void forget(Group& group);

    Truth& truth_;
    const size_t block_;  // rows that are searched together
    std::vector<Group> groups_;
    std::vector<float> room_;
    Counts counts_;
  };

  /// After all workers have ended.
  void take(Worker& worker);
  /// The best of the neighbours of a query, best first; at least k, and more for equal scores, where
  /// there are so many that have a score: a vector of zeros has no cosine.
  std::vector<std::vector<Hit>> found(size_t group) const;
  const Counts& counts() const noexcept { return counts_; }

 private:
  const QuerySet& queries_;
  const RecallColumn& column_;
  const Metric metric_;
  const size_t k_;
  std::atomic<uint64_t> next_{0};  // index of the next vector
  std::unique_ptr<Worker> total_;
  Counts counts_;
};

}  // namespace lugger
