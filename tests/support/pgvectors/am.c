/* The access methods of the double: "vectors" of PGVecto.rs, "vchordrq" and "vchordg" of VectorChord. An
 * index of them is declared, checked as theirs is, and empty: nothing is ever searched by one, so that
 * no plan has it and no recall is claimed through it. */
#include "postgres.h"

#include <ctype.h>

#include "access/amapi.h"
#include "access/reloptions.h"
#include "access/tableam.h"
#include "catalog/index.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"

extern uint32 double_dims(Datum value, const char *type);

typedef struct { int32 vl_len_; int options; } Options;

/* What the TOML of an index may say. A key with low > high takes any value. */
typedef struct { const char *path; double low, high; } Key;
static const Key keys_of_vectors[] = {
    {"indexing.flat", 1, 0}, {"indexing.ivf", 1, 0}, {"indexing.hnsw", 1, 0},
    {"indexing.sparse_inverted_index", 1, 0}, {"segment", 1, 0}, {"optimizing", 1, 0},
    {"indexing.hnsw.m", 4, 128}, {"indexing.hnsw.ef_construction", 10, 2000},
    {"indexing.ivf.nlist", 1, 1000000}, {"indexing.ivf.spherical_centroids", 1, 0},
    {"indexing.ivf.residual_quantization", 1, 0},
    {"indexing.hnsw.quantization.scalar.bits", 1, 8}, {"indexing.ivf.quantization.scalar.bits", 1, 8},
    {"indexing.hnsw.quantization.product.ratio", 1, 8},
    {"indexing.ivf.quantization.product.ratio", 1, 8},
    {"indexing.hnsw.quantization.rabitq", 1, 0}, {"indexing.ivf.quantization.rabitq", 1, 0},
    {"segment.max_growing_segment_size", 1, 4e9}, {"segment.max_sealed_segment_size", 1, 4e9},
    {"optimizing.sealing_secs", 1, 6000}, {"optimizing.sealing_size", 1, 4e9},
    {"optimizing.optimizing_secs", 1, 60000}, {"optimizing.optimizing_threads", 1, 64},
    {"optimizing.delete_threshold", 0.01, 1}, {NULL, 0, 0}};
static const Key keys_of_vchord[] = {
    {"residual_quantization", 1, 0}, {"build.internal", 1, 0}, {"build.internal.lists", 1, 0},
    {"build.internal.spherical_centroids", 1, 0}, {"build.internal.build_threads", 1, 255},
    {"build.pin", 1, 0}, {NULL, 0, 0}};

static relopt_kind kind_of_vectors, kind_of_vchord;
static bool compatible;
static ProcessUtility_hook_type next_utility;

static char *trimmed(const char *from, size_t size) {
  while (size > 0 && isspace((unsigned char) *from)) ++from, --size;
  while (size > 0 && isspace((unsigned char) from[size - 1])) --size;
  return pnstrdup(from, size);
}

static void check_path(const Key *keys, const char *path, const char *value) {
  while (keys->path != NULL && strcmp(keys->path, path) != 0) ++keys;
  if (keys->path == NULL)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("Invalid index options: unknown field `%s`", path)));
  if (value != NULL && keys->low <= keys->high) {
    char *end;
    const double number = strtod(value, &end);
    if (*end != 0 || number < keys->low || number > keys->high)
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("Invalid index options: `%s` is out of range", path)));
  }
}

/* Sections, and lines of a key and a value. */
static void check_toml(const char *text, const Key *keys) {
  char *section = "";
  while (*text != 0) {
    const size_t size = strcspn(text, "\n");
    char *line = trimmed(text, size), *equals = strchr(line, '=');
    text += size + (text[size] != 0);
    if (*line == 0 || *line == '#') continue;
    if (*line == '[' && line[strlen(line) - 1] == ']') {
      section = trimmed(line + 1, strlen(line) - 2);
      check_path(keys, section, NULL);
    } else if (equals != NULL) {
      char *key = trimmed(line, (size_t) (equals - line));
      check_path(keys, *section == 0 ? key : psprintf("%s.%s", section, key),
                 trimmed(equals + 1, strlen(equals + 1)));
    } else {
      ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                      errmsg("Invalid index options: TOML parse error at `%s`", line)));
    }
  }
}

static void check_vectors(const char *value) {
  if (value != NULL) check_toml(value, keys_of_vectors);
}
static void check_vchord(const char *value) {
  if (value != NULL) check_toml(value, keys_of_vchord);
}

static bytea *options(Datum given, bool validate, relopt_kind kind) {
  static const relopt_parse_elt table[] = {{"options", RELOPT_TYPE_STRING, offsetof(Options, options)}};
  return (bytea *) build_reloptions(given, validate, kind, sizeof(Options), table, lengthof(table));
}
static bytea *options_of_vectors(Datum given, bool validate) {
  return options(given, validate, kind_of_vectors);
}
static bytea *options_of_vchord(Datum given, bool validate) {
  return options(given, validate, kind_of_vchord);
}

/* The index refuses what the column's modifier did not. */
static void check_dimensions(Relation index, Datum value, bool null) {
  const Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
  const char *type = format_type_be_qualified(column->atttypid);
  if (null || strncmp(type, "vectors.", 8) != 0) return;
  if (double_dims(value, type + 8) != (uint32) column->atttypmod)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("The dimension of a vector does not matched that in a vector index column.")));
}

static void built(Relation index, ItemPointer tid, Datum *values, bool *nulls, bool alive, void *state) {
  (void) tid, (void) alive, (void) state;
  check_dimensions(index, values[0], nulls[0]);
}

static IndexBuildResult *build(Relation heap, Relation index, IndexInfo *info) {
  IndexBuildResult *out = palloc0(sizeof(IndexBuildResult));
  if (TupleDescAttr(RelationGetDescr(index), 0)->atttypmod <= 0)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("Modifier of the type is invalid: an index needs the dimensions.")));
  out->heap_tuples = table_index_build_scan(heap, index, info, true, false, built, NULL, NULL);
  return out;
}
static void build_empty(Relation index) { (void) index; }
static bool insert(Relation index, Datum *values, bool *nulls, ItemPointer tid, Relation heap,
                   IndexUniqueCheck unique, bool unchanged, IndexInfo *info) {
  (void) tid, (void) heap, (void) unique, (void) unchanged, (void) info;
  check_dimensions(index, values[0], nulls[0]);
  return false;
}
static IndexBulkDeleteResult *vacuum(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
                                     IndexBulkDeleteCallback callback, void *state) {
  (void) info, (void) callback, (void) state;
  return stats != NULL ? stats : palloc0(sizeof(IndexBulkDeleteResult));
}
static IndexBulkDeleteResult *cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats) {
  (void) info;
  return stats;
}
static void cost(struct PlannerInfo *root, struct IndexPath *path, double loops, Cost *startup, Cost *total,
                 Selectivity *selectivity, double *correlation, double *pages) {
  (void) root, (void) path, (void) loops;
  *startup = *total = 1e15, *selectivity = 1, *correlation = 0, *pages = 0;
}
static bool validate(Oid opclass) { return OidIsValid(opclass); }
static IndexScanDesc begin(Relation index, int keys, int orders) {
  (void) index, (void) keys, (void) orders;
  elog(ERROR, "an index of the double is not searched");
}
static void rescan(IndexScanDesc scan, ScanKey keys, int n, ScanKey orders, int m) {
  (void) scan, (void) keys, (void) n, (void) orders, (void) m;
}
static void end(IndexScanDesc scan) { (void) scan; }

/* Without amgettuple and amgetbitmap the planner makes no path of it. */
static IndexAmRoutine *routine(amoptions_function checks) {
  IndexAmRoutine *am = makeNode(IndexAmRoutine);
  am->amcanorderbyop = am->amoptionalkey = true;
  am->amkeytype = InvalidOid;
  am->ambuild = build, am->ambuildempty = build_empty, am->aminsert = insert;
  am->ambulkdelete = vacuum, am->amvacuumcleanup = cleanup, am->amcostestimate = cost;
  am->amoptions = checks, am->amvalidate = validate;
  am->ambeginscan = begin, am->amrescan = rescan, am->amendscan = end;
  return am;
}

PG_FUNCTION_INFO_V1(double_am);
Datum double_am(PG_FUNCTION_ARGS) {
  (void) fcinfo;
  PG_RETURN_POINTER(routine(options_of_vectors));
}
PG_FUNCTION_INFO_V1(double_vchord_am);
Datum double_vchord_am(PG_FUNCTION_ARGS) {
  (void) fcinfo;
  PG_RETURN_POINTER(routine(options_of_vchord));
}

/* vectors.pgvector_compatibility: every USING hnsw or ivfflat of the session becomes USING vectors. */
static void rewritten(IndexStmt *statement) {
  static const char *const classes[][2] = {{"vector_l2_ops", "vector_l2_ops"},
                                           {"vector_ip_ops", "vector_dot_ops"},
                                           {"vector_cosine_ops", "vector_cos_ops"}};
  const bool hnsw = strcmp(statement->accessMethod, "hnsw") == 0;
  int m = 16, ef = 64, lists = 100;
  ListCell *cell;
  IndexElem *element = linitial_node(IndexElem, statement->indexParams);
  foreach (cell, statement->options) {
    DefElem *one = lfirst_node(DefElem, cell);
    *(strcmp(one->defname, "m") == 0 ? &m : strcmp(one->defname, "lists") == 0 ? &lists : &ef) =
        atoi(defGetString(one));
  }
  for (int i = 0; i < 3 && element->opclass != NIL; ++i)
    if (strcmp(strVal(linitial(element->opclass)), classes[i][0]) == 0) {
      element->opclass = list_make1(makeString(pstrdup(classes[i][1])));
      break;
    }
  statement->accessMethod = "vectors";
  statement->options = list_make1(makeDefElem(
      "options",
      (Node *) makeString(hnsw ? psprintf("[indexing.hnsw]\nm = %d\nef_construction = %d\n", m, ef)
                               : psprintf("[indexing.ivf]\nnlist = %d\n", lists)),
      -1));
}

static void utility(PlannedStmt *planned, const char *text, bool read_only, ProcessUtilityContext context,
                    ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *done) {
  if (compatible && IsA(planned->utilityStmt, IndexStmt)) {
    IndexStmt *statement = (IndexStmt *) planned->utilityStmt;
    if (strcmp(statement->accessMethod, "hnsw") == 0 || strcmp(statement->accessMethod, "ivfflat") == 0)
      rewritten(statement);
  }
  (next_utility != NULL ? next_utility : standard_ProcessUtility)(planned, text, read_only, context, params,
                                                                  env, dest, done);
}

void _PG_init(void);
void _PG_init(void) {
  if (!process_shared_preload_libraries_in_progress)
    ereport(ERROR, (errmsg("pgvecto.rs must be loaded via shared_preload_libraries.")));
  kind_of_vectors = add_reloption_kind();
  kind_of_vchord = add_reloption_kind();
  add_string_reloption(kind_of_vectors, "options", "TOML", "", check_vectors, AccessExclusiveLock);
  add_string_reloption(kind_of_vchord, "options", "TOML", "", check_vchord, AccessExclusiveLock);
  DefineCustomBoolVariable("vectors.pgvector_compatibility", "pgvector's DDL is taken for this extension's.",
                           NULL, &compatible, false, PGC_USERSET, 0, NULL, NULL, NULL);
  next_utility = ProcessUtility_hook;
  ProcessUtility_hook = utility;
}
