#include "engine/model_vectors.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/digest.hpp"
#include "base/stop.hpp"
#include "base/text.hpp"
#include "base/threads.hpp"

namespace lugger {
namespace {

/// Other workers leave alone what this one asks for.
class InFlight {
 public:
  explicit InFlight(EmbedModel& model) : model_(model) {}
  ~InFlight() {
    const std::lock_guard lock(model_.mutex);
    for (const std::string& digest : own_) model_.in_flight.erase(digest);
    model_.answered.notify_all();
  }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

  /// With the model's mutex held. False: another worker asks for it.
  bool take(const std::string& digest) {
    if (!model_.in_flight.insert(digest).second) return false;
    own_.push_back(digest);
    return true;
  }

 private:
  EmbedModel& model_;
  std::vector<std::string> own_;
};

std::string bytes_of(const std::vector<float>& vector) {
  std::string out(vector.size() * sizeof(float), '\0');
  for (size_t i = 0; i < vector.size(); ++i)
    store_le(reinterpret_cast<uint8_t*>(out.data()) + i * sizeof(float), vector[i]);
  return out;
}

}  // namespace

void ModelVectors::make(const Column& column, std::span<const std::string_view> texts, Arena& arena,
                        std::span<Made> out) {
  EmbedModel& model = embedding_.model_of(column);
  std::vector<Wish> wishes = wishes_of(model, texts, out);
  Wishes open;
  for (Wish& wish : wishes) open.push_back(&wish);
  look_up(model, open);
  model.kept += wishes.size() - open.size();
  if (mode_ == EmbedMode::kKept && !open.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{}: vectors of {} texts are not kept in {}", column.name, open.size(),
                            model.settings.cache),
                "what was loaded from somewhere else cannot be compared: leave the column out")
        .note("column", column.name);
  }
  if (mode_ == EmbedMode::kCount) {
    model.asked += open.size();
    for (const Wish* wish : open) model.bytes += wish->text.size() + model.settings.prefix.size();
  } else {
    grant(model, std::move(open));
  }
  for (const Wish& wish : wishes) {
    const Bytes bytes = as_bytes(wish.vector);
    const uint8_t* copy = wish.vector.empty() ? nullptr : arena.copy(bytes);
    for (const size_t place : wish.places) {
      out[place].refusal = wish.refusal;
      if (copy != nullptr) out[place].vector = Value::of(ValueType::kVector, {copy, bytes.size()});
    }
  }
}

/// The same text once; what no model is to be asked is refused.
std::vector<ModelVectors::Wish> ModelVectors::wishes_of(const EmbedModel& model,
                                                        std::span<const std::string_view> texts,
                                                        std::span<Made> out) const {
  std::vector<Wish> wishes;
  std::unordered_map<std::string, size_t> known;
  const size_t longest = model.settings.longest;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string_view text = texts[i];
    if (!is_utf8(text)) {
      out[i].refusal = "the text is not UTF-8";
      continue;
    }
    if (longest != 0 && text.size() > longest) {
      if (!model.settings.truncate) {
        out[i].refusal = fmt::format(
            "the text has {} bytes, and longest = {}; long = 'truncate' "
            "would cut it",
            text.size(), longest);
        continue;
      }
      text = text.substr(0, valid_utf8_prefix(text.substr(0, longest)));
    }
    std::string key = digest(DigestKind::kSha256, text);
    const auto [at, is_new] = known.try_emplace(key, wishes.size());
    if (is_new) wishes.push_back({text, std::move(key), {}, {}, {}});
    wishes[at->second].places.push_back(i);
  }
  return wishes;
}

/// Leaves those whose vector is not kept.
void ModelVectors::look_up(EmbedModel& model, Wishes& wishes) const {
  if (model.store == nullptr) return;
  std::erase_if(wishes, [&](Wish* wish) {
    wish->vector = model.store->find(model.making, wish->digest);
    return wish->granted();
  });
}

void ModelVectors::grant(EmbedModel& model, Wishes wishes) {
  while (!wishes.empty()) {
    Wishes mine, others;
    InFlight own(model);
    {
      std::unique_lock lock(model.mutex);
      for (Wish* wish : wishes) (own.take(wish->digest) ? mine : others).push_back(wish);
      if (mine.empty()) {
        model.answered.wait_for(lock, std::chrono::milliseconds(50));
        if (StopScope::current().due())
          raise(Code::kInterrupted, "stopped while a model was asked");
      }
    }
    look_up(model, mine);  // another worker may have had its answer just before
    if (!mine.empty()) ask(model, mine);
    look_up(model, others);
    wishes = std::move(others);
  }
}

void ModelVectors::ask(EmbedModel& model, const Wishes& wishes) {
  std::vector<std::span<Wish* const>> requests;
  std::vector<std::string_view> texts;
  for (const Wish* wish : wishes) texts.push_back(wish->text);
  for (size_t first = 0; first < wishes.size();) {
    const size_t count = embedder(model, 0).fits(std::span(texts).subspan(first));
    requests.emplace_back(wishes.data() + first, count);
    first += count;
  }
  const size_t lanes = std::min<size_t>(model.settings.in_flight, requests.size());
  std::atomic<size_t> next{0};
  std::exception_ptr failure;
  std::atomic<bool> failed{false};
  const auto work = [&](size_t lane) {
    for (size_t at = 0; !failed && (at = next++) < requests.size();) {
      try {
        ask_in(model, lane, requests[at]);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
  };
  if (lanes <= 1) {
    work(0);
  } else {
    start_threads(lanes, 1, work);  // and waits for them
  }
  if (failure) std::rethrow_exception(failure);
}

/// Answers are kept before anything is made of them.
void ModelVectors::ask_in(EmbedModel& model, size_t lane, std::span<Wish* const> wishes) {
  std::vector<std::string_view> texts;
  for (const Wish* wish : wishes) texts.push_back(wish->text);
  const EmbedBudget::Asking asking(embedding_.budget());
  try {
    embedder(model, lane).ask(texts, [&](size_t first, std::vector<EmbedAnswer> answers) {
      std::vector<EmbedStore::Entry> entries;
      for (size_t i = 0; i < answers.size(); ++i) {
        Wish& wish = *wishes[first + i];
        wish.refusal = std::move(answers[i].refusal);
        if (!wish.refusal.empty()) continue;
        const size_t dimensions = answers[i].vector.size();
        if (model.dimensions != 0 && dimensions != model.dimensions) {
          throw Error(Code::kConfig,
                      fmt::format("{} makes vectors of {} dimensions, and {} has {}", model.shown,
                                  dimensions, model.column, model.dimensions),
                      "the type of the column says how many; dimensions = N asks a model that can "
                      "be shortened");
        }
        wish.vector = bytes_of(answers[i].vector);
        entries.push_back({wish.digest, wish.vector});
      }
      model.store->keep(model.making, entries);
      model.asked += entries.size();
    });
  } catch (const Error& error) {
    if (error.code() != Code::kConnect) throw;
    // It was tried often enough: the run ends, and is resumed when the model is back.
    throw Error(Code::kRead, error.message(),
                error.hint().empty() ? "the same command goes on when it answers" : error.hint());
  }
}

Embedder& ModelVectors::embedder(EmbedModel& model, size_t lane) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Embedder>& one = embedders_[{&model, lane}];
  if (!one) {
    const size_t place = (number_ * model.settings.in_flight + lane) % model.endpoints.size();
    one = std::make_unique<Embedder>(model.settings, model.endpoints[place], model.meter.get());
  }
  return *one;
}

}  // namespace lugger
