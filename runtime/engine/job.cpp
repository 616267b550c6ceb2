#include "engine/job.hpp"

#include <thread>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "base/url.hpp"
#include "engine/check_source.hpp"
#include "engine/ddl.hpp"
#include "engine/describe.hpp"
#include "engine/follow.hpp"
#include "engine/job_impl.hpp"
#include "engine/run_impl.hpp"
#include "engine/stages.hpp"
#include "engine/start.hpp"
#include "place/feed.hpp"
#include "place/identity.hpp"
#include "place/modes.hpp"
#include "plan/infer.hpp"
#include "registry/registry.hpp"

namespace lugger {

namespace {

constexpr double kSecondsPerByte =
    14e-9;  // docs/performance.md: 1,000,000 documents of 290 bytes in about 4 s on one connection
constexpr double kInflation = 4;      // how much gzip usually compresses BSON
constexpr uint64_t kSmall = 1 << 20;  // read in less time than opening a second connection takes
constexpr uint64_t kLarge = 50'000'000'000;  // above it, dump and load take longer than a night

std::vector<Column> document_columns() {
  std::vector<Column> columns(3);
  columns[0].name = "id";
  columns[0].type = parse_column_type("uuid");
  columns[0].generate = Column::Generate::kV5;
  columns[1].name = "mongo_id";
  columns[1].type = parse_column_type("text");
  columns[1].from = "_id";
  columns[1].id_text_column = true;
  columns[1].required = true;
  columns[2].name = "doc";
  columns[2].type = parse_column_type("jsonb");
  columns[2].from = "*";
  columns[2].policy.json = JsonStyle::kTyped;
  return columns;
}

/// "shop.users -> users": the name of the source without its path, so that the job keeps its name
/// when a dump is moved.
std::string default_name(const JobSpec& spec) {
  std::string source = spec.source_options.text("collection");
  if (source.empty()) source = spec.source_options.text("table");
  if (source.empty())
    source = url_scheme(spec.source).empty()
                 ? std::filesystem::path(spec.source).filename().string()
                 : mask_secrets(spec.source);
  return source + " -> " + spec.mapping.table;
}

bool has_column(const std::vector<Column>& columns, std::string_view name) {
  return std::any_of(columns.begin(), columns.end(),
                     [&](const Column& column) { return column.name == name; });
}

}  // namespace

int default_jobs() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
}

double connection_seconds_per_byte() noexcept { return kSecondsPerByte; }

double forecast_seconds(const SourceInfo& info, int connections) {
  const double bytes = static_cast<double>(info.bytes) * (info.compressed ? kInflation : 1);
  return bytes * kSecondsPerByte / (1 + 0.45 * (connections - 1));
}

Source& JobImpl::open_source_once() {
  if (!source) source = open_source(spec.source, spec.source_options);
  return *source;
}

Target& JobImpl::open_target_once() {
  if (!target) target = open_target(spec.target, spec.target_options);
  return *target;
}

std::shared_ptr<const PlanShape> JobImpl::shape_once() {
  if (shape) return shape;
  Mapping mapping = spec.mapping;
  const SourceInfo info = open_source_once().info();
  if (mapping.database.empty()) mapping.database = info.database;
  if (mapping.collection.empty()) mapping.collection = info.collection;
  if (mapping.table.empty()) mapping.table = info.collection;
  if (mapping.table.empty())
    throw Error(Code::kConfig, "the target names no table",
                "add table = '...' to the target's options");
  if (spec.columns == ColumnsMode::kDocument) mapping.columns = document_columns();
  if (spec.columns == ColumnsMode::kAuto) {
    FieldsSeen seen;
    if (const RowShape* rows = open_source_once().row_shape())
      seen.expect(*rows);  // known without reading them
    else
      look_at_fields(open_source_once(), 0, seen, nullptr);
    mapping.columns = infer_columns(seen);
  }
  if (spec.columns == ColumnsMode::kAuto && mapping.key == std::vector<std::string>{"mongo_id"} &&
      !has_column(mapping.columns, "mongo_id")) {
    mapping.key.clear();
    mapping.on_conflict = OnConflict::kError;
    shape_warnings.emplace_back(
        "the documents have no _id, so the table gets no key: loading them again would add them "
        "again");
  }
  const bool generated = spec.columns != ColumnsMode::kList;
  if (generated && mapping.key.empty() && has_column(mapping.columns, "mongo_id"))
    mapping.key.emplace_back("mongo_id");
  note_models(mapping);
  mismatches = bind_manifests(mapping, info.manifests);
  shape = std::make_shared<const PlanShape>(std::move(mapping));
  return shape;
}

std::unique_ptr<RowHook> JobImpl::make_hook(const std::string& now) {
  return spec.hook ? spec.hook(shape_once(), now) : nullptr;
}

Embedding* JobImpl::embedding_once() {
  const PlanShape& bound = *shape_once();
  if (!embedding && has_models(bound)) embedding = std::make_unique<Embedding>(bound);
  return embedding.get();
}

bool JobImpl::embed_with(Plan& plan, EmbedMode mode) {
  Embedding* models = embedding_once();
  if (models != nullptr) plan.embed_with(models->open(mode));
  return models != nullptr;
}

Job::Job(JobSpec spec) : impl_(std::make_unique<JobImpl>()) {
  if (spec.name.empty()) spec.name = default_name(spec);
  impl_->spec = std::move(spec);
}

Job::~Job() = default;

const std::string& Job::name() const noexcept { return impl_->spec.name; }

bool Job::is_small() {
  const std::string& place = impl_->spec.source;
  std::error_code ignored;
  const bool is_file = url_scheme(place).empty() && std::filesystem::exists(place, ignored);
  if (!is_file || is_read_once(place)) return false;
  const SourceInfo info = source().info();
  const double bytes = static_cast<double>(info.bytes) * (info.compressed ? kInflation : 1);
  return !info.live && !info.moves && !info.changes && !info.rows && !info.oplog && bytes > 0 &&
         bytes <= kSmall;
}

Source& Job::source() { return impl_->open_source_once(); }
Target& Job::target() { return impl_->open_target_once(); }
std::shared_ptr<const PlanShape> Job::shape() { return impl_->shape_once(); }
MappingInverse Job::inverse() { return invert(*shape(), static_cast<bool>(impl_->spec.hook)); }

namespace {

/// Reports, before a run begins, limits that the role cannot read.
void check_throttle(JobImpl& job, TargetReport& report) {
  const std::unique_ptr<Health> health =
      job.spec.throttle.asks_target() ? job.target->health() : nullptr;
  if (!health) return;
  try {
    health->require(job.spec.throttle);
  } catch (const Error& error) {
    if (error.code() != Code::kConfig) throw;
    report.problems.emplace_back(error.what());
  }
}

/// A problem, unless there is a run that goes on or was all there is to load.
void judge_refused(JobImpl& job, const RunRequest& request, const RunSettings& settings,
                   TargetReport& report) {
  const std::unique_ptr<State> state = job.target->state();
  if (begins(*state, request, *job.shape_once(), settings.again)) {
    report.problems.push_back(report.mode_reason);
    return;
  }
  report.mode = state->latest(request.job)->mode;
  report.mode_reason = "as the run that is there";
}

}  // namespace

JobPlan Job::plan(const RunSettings& settings) {
  // Nothing has begun that the first Ctrl-C could let finish: it ends a wait for a lock at once.
  const StopScope scope(*StopScope::current().stop, StopLevel::kFinish);
  JobPlan plan;
  plan.job = name();
  if (settings.follow) refuse_to_follow(settings, source());
  plan.source_info = info_for(source(), settings);
  plan.source = plan.source_info.place;
  if (plan.source_info.moves) plan.on_ddl = policies_text(impl_->spec.on_ddl);
  plan.target = target().place();
  const std::shared_ptr<const PlanShape> bound = shape();
  plan.tables = bound->tables();
  plan.manifests = bound->mapping().manifests;
  plan.report = inspect_target(*impl_, settings);
  check_source(plan.source_info, source().row_shape(), *bound, static_cast<bool>(impl_->spec.hook),
               target(), plan.report);
  // In a joint run, other processes may create the tables and begin the run during this inspection.
  const bool resumes =
      !settings.join && !settings.dry_run && !settings.retry_rejects && !settings.follow;
  if (!plan.report.missing.empty() && resumes) {
    const std::unique_ptr<State> state = target().state();
    const RunRequest request = request_of(impl_->spec, plan.source_info.identity, settings);
    if (const auto lost = lost_tables(*state, request, plan.report.missing))
      plan.report.problems = {fmt::format("{}; {}", lost->message(), lost->hint())};
  }
  if (plan.report.mode == kRefusedMode && !settings.retry_rejects)
    judge_refused(*impl_, request_of(impl_->spec, plan.source_info.identity, settings), settings,
                  plan.report);
  check_throttle(*impl_, plan.report);
  if (plan.report.problems.empty())
    impl_->planned = {settings.create, settings.follow, plan.report};
  plan.connections = settings.jobs > 0 ? settings.jobs : default_jobs();
  if (!settings.follow)
    plan.partitions = source().split(parts_for(plan.source_info, plan.connections));
  plan.connections = std::min<int>(plan.connections,
                                   static_cast<int>(std::max<size_t>(plan.partitions.size(), 1)));
  plan.forecast_seconds = forecast_seconds(plan.source_info, plan.connections);
  plan.warnings = plan.source_info.warnings;
  plan.warnings.insert(plan.warnings.end(), impl_->shape_warnings.begin(),
                       impl_->shape_warnings.end());
  if (plan.source_info.bytes > kLarge) {
    plan.warnings.emplace_back(
        "the source is larger than 50 GB: load it collection by collection, keep the target's disk "
        "and WAL in view, "
        "and expect hours");
  }
  return plan;
}

std::unique_ptr<Run> Job::start(const RunSettings& settings) {
  const bool alone = settings.stage && settings.stage != Stage::kLoad;
  return alone ? start_stage(*impl_, settings) : start_run(*impl_, settings);
}

/// Who follows the source of this job: the same for the same job and target.
static std::string reader_of(Job& job) {
  return fmt::format("{} into {}", job.name(), job.target().place());
}

std::unique_ptr<Spooler> Job::spool(bool restart) {
  return std::make_unique<Spooler>(source(), target().state(), name(), reader_of(*this), restart);
}

MoveStage Job::move_stage() { return lugger::move_stage(*target().state(), name()); }

uint64_t Job::share(FeedHub& hub) {
  source().share(hub);
  return source().info().bytes;
}

Job::FollowAnswer Job::ask_to_follow() {
  const std::unique_ptr<Feed> feed = source().feed();
  if (!feed) return {fmt::format("{} tells of no changes", source().info().place), {}};
  try {
    feed->check(reader_of(*this));
    return {{}, feed->advice()};
  } catch (const Error& error) {
    if (error.code() == Code::kInterrupted) throw;
    return {error.message(), {}};
  }
}

std::vector<Refused> Job::preflight() {
  Stages* stages = target().stages();
  return stages == nullptr ? std::vector<Refused>() : stages->preflight(*shape(), name());
}

}  // namespace lugger
