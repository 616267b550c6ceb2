// One worker's way from texts to vectors: what is kept is taken, for the rest the model is asked.
#pragma once
#include "engine/embedding.hpp"

namespace lugger {

class ModelVectors final : public TextVectors {
 public:
  /// `number` of the worker: it says which of several keys comes first.
  ModelVectors(Embedding& embedding, EmbedMode mode, size_t number)
      : embedding_(embedding), mode_(mode), number_(number) {}

  void make(const Column& column, std::span<const std::string_view> texts, Arena& arena,
            std::span<Made> out) override;

 private:
  /// A text, wherever it stands in the batch.
  struct Wish {
    std::string_view text;
    std::string digest, vector, refusal;
    std::vector<size_t> places;
    bool granted() const noexcept { return !vector.empty() || !refusal.empty(); }
  };
  using Wishes = std::vector<Wish*>;

  std::vector<Wish> wishes_of(const EmbedModel& model, std::span<const std::string_view> texts,
                              std::span<Made> out) const;
  void look_up(EmbedModel& model, Wishes& wishes) const;
  void grant(EmbedModel& model, Wishes wishes);
  void ask(EmbedModel& model, const Wishes& wishes);
  void ask_in(EmbedModel& model, size_t lane, std::span<Wish* const> wishes);
  Embedder& embedder(EmbedModel& model, size_t lane);

  Embedding& embedding_;
  EmbedMode mode_;
  size_t number_;
  std::mutex mutex_;  // guards what follows while several requests are under way
  std::map<std::pair<EmbedModel*, size_t>, std::unique_ptr<Embedder>> embedders_;
};

}  // namespace lugger
