// vector_bench: what tools/bench measures of vectors below the program. Prints "name figure" lines.
//   vector_bench recode                                        GB of float32 a second, one thread
//   vector_bench json FILE                                     CPU seconds of a plain loop
//   vector_bench search ROWS DIMENSIONS QUERIES THREADS [BLAS] seconds; BLAS: a library to load
#include <dlfcn.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "plan/coercer.hpp"
#include "postgres/encode.hpp"
#include "value/value.hpp"
#include "vector/elements.hpp"
#include "vector/exact_search.hpp"
#include "vector/products.hpp"

using namespace lugger;

namespace {

constexpr size_t kTopK = 10, kAddedRows = 256;  // rows at once, as a comparison of recall adds them

double seconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// From -1 to 1, cheaply.
void fill(std::span<float> out, uint64_t seed) {
  for (float& number : out) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    number = static_cast<float>(static_cast<int32_t>(seed >> 32)) * 0x1p-31F;
  }
}

/// Calls work(thread) on so many threads at once.
void on_threads(size_t threads, const std::function<void(size_t)>& work) {
  std::vector<std::thread> running;
  for (size_t i = 1; i < threads; ++i) running.emplace_back(work, i);
  work(0);
  for (std::thread& one : running) one.join();
}

/// Converts one value of 1536 elements to a column's type and encodes it for COPY, again and again.
void recode(std::string_view name, Value in, std::string_view type) {
  constexpr int kTimes = 20'000, kRounds = 5;
  constexpr double kBytes = 1536 * sizeof(float);
  Coercer coercer(parse_column_type(std::string(type)), {});
  const EncodeField encode = field_encoder(coercer.type().kind);
  Arena arena;
  ByteBuffer out;
  std::vector<double> found;
  for (int round = 0; round < kRounds; ++round) {
    const double began = cpu_seconds();
    for (int i = 0; i < kTimes; ++i) {
      Value value;
      if (coercer(in, value, arena) != Failure::kNone) throw std::runtime_error("not coerced");
      encode(value, out);
      arena.reset();
      out.clear();
    }
    found.push_back(kTimes * kBytes / (cpu_seconds() - began) / 1e9);
  }
  std::sort(found.begin(), found.end());
  fmt::print("{} {:.3f}\n", name, found[kRounds / 2]);
}

void recode_all() {
  std::vector<float> floats(1536);
  fill(floats, 1);
  std::vector<uint8_t> packed{kPackedFloat, 0};
  const auto* bytes = reinterpret_cast<const uint8_t*>(floats.data());
  packed.insert(packed.end(), bytes, bytes + floats.size() * sizeof(float));
  std::vector<uint16_t> halves(floats.size());
  halves_from_floats(floats, halves);
  const Value of_packed = Value::of(ValueType::kBinary, Bytes(packed), kVectorBinary);
  const Value vector = Value::of(ValueType::kVector, Bytes(bytes, floats.size() * sizeof(float)));
  const Value half =
      Value::of(ValueType::kHalfVector,
                Bytes(reinterpret_cast<const uint8_t*>(halves.data()), halves.size() * 2));
  recode("packed-vector", of_packed, "vector(1536)");
  recode("vector-vector", vector, "vector(1536)");
  recode("vector-halfvec", vector, "halfvec(1536)");
  recode("halfvec-vector", half, "vector(1536)");
}

/// Every number of {"embedding": [...]} in every line, as a float.
void plain_json(const char* path) {
  simdjson::padded_string text = simdjson::padded_string::load(path);
  simdjson::ondemand::parser parser;
  std::vector<float> floats;
  double sum = 0;
  const double began = cpu_seconds();
  simdjson::ondemand::document_stream lines = parser.iterate_many(text, size_t{1} << 20);
  for (auto line : lines) {
    floats.clear();
    for (auto number : line["embedding"].get_array())
      floats.push_back(static_cast<float>(number.get_double().value()));
    for (const float number : floats) sum += static_cast<double>(number);
  }
  fmt::print("json {:.4f}\n", cpu_seconds() - began);
  if (std::isnan(sum)) fmt::print("# broken\n");  // so that nothing is optimised away
}

/// The lines of OpenBLAS that are used, under the names of Debian's and of PyPI's library.
struct Blas {
  using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                         float, float*, int);
  Sgemm sgemm = nullptr;
  void (*set_threads)(int) = nullptr;
  char* (*core)() = nullptr;

  explicit Blas(const char* path) {
    void* library = dlopen(path, RTLD_NOW);
    if (library == nullptr) throw std::runtime_error(dlerror());
    for (const std::string prefix : {"", "scipy_"}) {
      if (sgemm != nullptr) break;
      const auto find = [&](const char* name) { return dlsym(library, (prefix + name).c_str()); };
      sgemm = reinterpret_cast<Sgemm>(find("cblas_sgemm"));
      set_threads = reinterpret_cast<void (*)(int)>(find("openblas_set_num_threads"));
      core = reinterpret_cast<char* (*)()>(find("openblas_get_corename"));
    }
    if (sgemm == nullptr || set_threads == nullptr || core == nullptr)
      throw std::runtime_error("this library is not OpenBLAS");
  }
};

class SearchBench {
 public:
  SearchBench(size_t rows, size_t dimensions, size_t queries, size_t threads)
      : rows_(rows),
        dimensions_(dimensions),
        threads_(threads),
        vectors_(rows * dimensions),
        queries_(queries * dimensions) {
    on_threads(threads, [&](size_t thread) {
      const auto [first, last] = part(thread);
      fill(of(first, last), 7 + thread);
    });
    fill(queries_, 3);
  }

  /// Every byte is read once.
  void read_all() {
    on_threads(threads_, [&](size_t thread) {
      const auto [first, last] = part(thread);
      const std::span<float> mine = of(first, last);
      constexpr size_t kAtOnce = 64;
      float sums[kAtOnce] = {};
      for (size_t i = 0; i + kAtOnce <= mine.size(); i += kAtOnce)
        for (size_t lane = 0; lane < kAtOnce; ++lane) sums[lane] += mine[i + lane];
      for (const float sum : sums) kept_ = kept_ + sum;
    });
  }

  void search(size_t queries) {
    const Floats asked = Floats(queries_).first(queries * dimensions_);
    std::vector<ExactSearch> searches;
    for (size_t i = 0; i < threads_; ++i)
      searches.emplace_back(asked, dimensions_, Metric::kCosine, kTopK);
    on_threads(threads_, [&](size_t thread) {
      const auto [first, last] = part(thread);
      for (size_t at = first; at < last; at += kAddedRows)
        searches[thread].add(of(at, std::min(at + kAddedRows, last)), static_cast<uint32_t>(at));
    });
    for (size_t i = 1; i < threads_; ++i) searches[0].merge(searches[i]);
    if (searches[0].found().front().size() != kTopK) throw std::runtime_error("too few were found");
  }

  void multiply(const Blas& blas) {
    constexpr int kRowMajor = 101, kAsIs = 111, kTransposed = 112;
    const auto n = static_cast<int>(dimensions_), m = static_cast<int>(rows_),
               q = static_cast<int>(queries_.size() / dimensions_);
    products_.resize(rows_ * queries_.size() / dimensions_);
    blas.set_threads(static_cast<int>(threads_));
    blas.sgemm(kRowMajor, kAsIs, kTransposed, m, q, n, 1, vectors_.data(), n, queries_.data(), n, 0,
               products_.data(), q);
  }

 private:
  std::pair<size_t, size_t> part(size_t thread) const {
    return {rows_ * thread / threads_, rows_ * (thread + 1) / threads_};
  }
  std::span<float> of(size_t first, size_t last) {
    return std::span(vectors_).subspan(first * dimensions_, (last - first) * dimensions_);
  }

  const size_t rows_, dimensions_, threads_;
  std::vector<float> vectors_, queries_, products_;
  volatile float kept_ = 0;
};

/// Each measure once, after one that does not count where memory is touched first.
void search_all(std::span<char*> arguments) {
  const auto number = [&](size_t i) { return std::strtoull(arguments[i], nullptr, 10); };
  SearchBench bench(number(0), number(1), number(2), number(3));
  const size_t queries = number(2);
  fmt::print("kernel {}\n", products_kernel());
  bench.read_all();
  fmt::print("memory {:.4f}\n", seconds_of([&] { bench.read_all(); }));
  fmt::print("one {:.4f}\n", seconds_of([&] { bench.search(1); }));
  fmt::print("many {:.4f}\n", seconds_of([&] { bench.search(queries); }));
  if (arguments.size() < 5) return;
  const Blas blas(arguments[4]);
  bench.multiply(blas);
  fmt::print("sgemm {:.4f}\n", seconds_of([&] { bench.multiply(blas); }));
  fmt::print("core {}\n", blas.core());
}

}  // namespace

int main(int count, char** values) {
  const std::span<char*> arguments(values + 1, static_cast<size_t>(count - 1));
  const std::string_view what = arguments.empty() ? "" : arguments[0];
  try {
    if (what == "recode") {
      recode_all();
    } else if (what == "json" && arguments.size() == 2) {
      plain_json(arguments[1]);
    } else if (what == "search" && arguments.size() >= 5) {
      search_all(arguments.subspan(1));
    } else {
      fmt::print(stderr,
                 "usage: vector_bench recode | json FILE | search ROWS DIMENSIONS QUERIES "
                 "THREADS [BLAS]\n");
      return 2;
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "vector_bench: {}\n", error.what());
    return 1;
  }
}
