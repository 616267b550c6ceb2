/* A double of the extension "vectors" (PGVecto.rs 0.2 to 0.4): its types, casts and operators over the
 * layouts that its sources document. It is not the extension: nothing of it is measured, and no recall
 * is claimed through its access method (am.c), which is in no plan.
 * What is stored is what is sent: native memory, little-endian, without a reserved field. */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "varatt.h"

PG_MODULE_MAGIC;

enum { VECF32, VECF16, SVECF32, BVECF32, VECI8, KINDS };
static const char *const names[KINDS] = {"vecf32", "vecf16", "svecf32", "bvecf32", "veci8"};
static const uint32 most[KINDS] = {65535, 65535, 1048575, 65535, 65535};

typedef struct { int of, to; } Kinds;

static int named(const char *text) {
  for (int i = 0; i < KINDS; ++i)
    if (strncmp(text, names[i], strlen(names[i])) == 0) return i;
  return -1;
}

/* Which types a function is of stands in its SQL name: "_vectors_vecf16_out",
 * "_vectors_cast_vecf32_to_vecf16". */
static Kinds kinds_of(FunctionCallInfo fcinfo) {
  if (fcinfo->flinfo->fn_extra == NULL) {
    Kinds *kinds = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Kinds));
    const char *name = get_func_name(fcinfo->flinfo->fn_oid);
    const char *to = strstr(name, "_to_");
    name += strlen("_vectors_");
    if (strncmp(name, "cast_", 5) == 0) name += 5;
    kinds->of = named(name);
    kinds->to = to == NULL ? -1 : named(to + 4);
    fcinfo->flinfo->fn_extra = kinds;
  }
  return *(Kinds *) fcinfo->flinfo->fn_extra;
}

static uint32 uint_at(const char *at) {
  uint32 out;
  memcpy(&out, at, 4);
  return out;
}

static float float_at(const char *at) {
  float out;
  memcpy(&out, at, 4);
  return out;
}

static uint32 dims_of(const char *at, int kind) {
  uint16 dims;
  if (kind == SVECF32 || kind == VECI8) return uint_at(at);
  memcpy(&dims, at, 2);
  return dims;
}

/* The dimensions of a value whose type has that name in SQL; for am.c. */
uint32 double_dims(Datum value, const char *type) {
  const char *at = VARDATA_ANY(PG_DETOAST_DATUM(value));
  const bool four = strcmp(type, "svector") == 0 || strcmp(type, "veci8") == 0;
  return dims_of(at, four ? SVECF32 : VECF32);
}

/* Bytes after the length, of a value that begins like that. */
static size_t size_of(const char *at, int kind) {
  const size_t dims = dims_of(at, kind);
  switch (kind) {
    case VECF32: return 2 + 4 * dims;
    case VECF16: return 2 + 2 * dims;
    case BVECF32: return 2 + (dims + 63) / 64 * 8;
    case SVECF32: return 8 + 8 * (size_t) uint_at(at + 4);
    default: return 20 + dims;
  }
}

static float *elements(Datum value, int kind, uint32 *count) {
  const char *at = VARDATA(PG_DETOAST_DATUM(value));
  const uint32 dims = *count = dims_of(at, kind);
  float *out = palloc0(sizeof(float) * dims);
  if (kind == VECF32) memcpy(out, at + 2, 4 * (size_t) dims);
  if (kind == SVECF32) {
    const size_t entries = uint_at(at + 4);
    for (size_t i = 0; i < entries; ++i)
      out[uint_at(at + 8 + 4 * i)] = float_at(at + 8 + 4 * (entries + i));
  }
  for (uint32 i = 0; i < dims; ++i) {
    if (kind == VECF16) {
      _Float16 half;
      memcpy(&half, at + 2 + 2 * i, 2);
      out[i] = (float) half;
    } else if (kind == BVECF32) {
      out[i] = (float) ((unsigned char) at[2 + i / 8] >> i % 8 & 1);
    } else if (kind == VECI8) {
      out[i] = float_at(at + 4) * (float) (int8) at[20 + i] + float_at(at + 8);
    }
  }
  return out;
}

/* Alpha and offset put the least element at -128 and the greatest at 127. */
static void quantise(char *at, const float *from, uint32 dims) {
  float least = from[0], greatest = from[0], alpha, offset, sum = 0, squares = 0, level;
  for (uint32 i = 1; i < dims; ++i) {
    least = fminf(least, from[i]);
    greatest = fmaxf(greatest, from[i]);
  }
  alpha = (greatest - least) / 255;
  offset = least + 128 * alpha;
  for (uint32 i = 0; i < dims; ++i) {
    level = alpha == 0 ? 0 : fmaxf(-128, fminf(127, roundf((from[i] - offset) / alpha)));
    at[20 + i] = (char) (int8) level;
    sum += alpha * level + offset;
    squares += powf(alpha * level + offset, 2);
  }
  squares = sqrtf(squares);
  memcpy(at, &dims, 4);
  memcpy(at + 4, &alpha, 4);
  memcpy(at + 8, &offset, 4);
  memcpy(at + 12, &sum, 4);
  memcpy(at + 16, &squares, 4);
}

static void *room_for(size_t size) {
  void *out = palloc0(VARHDRSZ + size);
  SET_VARSIZE(out, VARHDRSZ + size);
  return out;
}

static Datum sparse(const float *from, uint32 dims) {
  uint32 entries = 0, at = 0;
  char *out;
  for (uint32 i = 0; i < dims; ++i) entries += from[i] != 0;
  out = room_for(8 + 8 * (size_t) entries);
  memcpy(VARDATA(out), &dims, 4);
  memcpy(VARDATA(out) + 4, &entries, 4);
  for (uint32 i = 0; i < dims; ++i) {
    if (from[i] == 0) continue;
    memcpy(VARDATA(out) + 8 + 4 * (size_t) at, &i, 4);
    memcpy(VARDATA(out) + 8 + 4 * ((size_t) entries + at), from + i, 4);
    ++at;
  }
  return PointerGetDatum(out);
}

static Datum made(int kind, const float *from, uint32 dims) {
  const uint16 narrow = (uint16) dims;
  char *out;
  if (dims == 0 || dims > most[kind])
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("The dimension of a vector must be between 1 and %u.", most[kind])));
  if (kind == SVECF32) return sparse(from, dims);
  out = room_for(kind == VECF32 ? 2 + 4 * (size_t) dims : kind == VECF16 ? 2 + 2 * (size_t) dims
                 : kind == BVECF32 ? 2 + ((size_t) dims + 63) / 64 * 8 : 20 + (size_t) dims);
  memcpy(VARDATA(out), &narrow, 2);
  if (kind == VECI8) quantise(VARDATA(out), from, dims);
  if (kind == VECF32) memcpy(VARDATA(out) + 2, from, 4 * (size_t) dims);
  for (uint32 i = 0; i < dims; ++i) {
    if (kind == VECF16) {
      const _Float16 half = (_Float16) from[i];
      memcpy(VARDATA(out) + 2 + 2 * i, &half, 2);
    } else if (kind == BVECF32) {
      if (from[i] != 0 && from[i] != 1)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("Binary vector element must be 0 or 1.")));
      if (from[i] == 1) VARDATA(out)[2 + i / 8] |= (char) (1 << i % 8);
    }
  }
  return PointerGetDatum(out);
}

/* Text: only spaces part tokens; a comma before the end is taken. */
static pg_noreturn void bad_text(const char *text) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                  errmsg("Invalid literal for a vector: %s", text)));
}

static const char *spaces(const char *at) { return at + strspn(at, " "); }

static const char *number(const char *at, float *out) {
  char token[49], *end;
  const size_t size = strcspn(at, " ,:]}");
  if (size == 0 || size > 48 || isspace((unsigned char) *at)) bad_text(at);
  memcpy(token, at, size);
  token[size] = 0;
  *out = strtof(token, &end);
  if (*end != 0) bad_text(at);
  return spaces(at + size);
}

static Datum dense_in(const char *text, int kind) {
  const char *at = spaces(text);
  float *out = palloc(sizeof(float) * (strlen(text) + 1));
  uint32 count = 0;
  if (*at++ != '[') bad_text(text);
  at = spaces(at);
  while (*at != ']') {
    at = number(at, out + count++);
    if (*at == ',') at = spaces(at + 1);
    else if (*at != ']') bad_text(text);
  }
  if (count == 0 || *spaces(at + 1) != 0) bad_text(text);
  return made(kind, out, count);
}

static Datum sparse_in(const char *text) {
  const char *slash = strrchr(text, '/'), *at = spaces(text);
  char *end;
  const unsigned long dims = slash == NULL ? 0 : strtoul(slash + 1, &end, 10);
  float *out = palloc0(sizeof(float) * (most[SVECF32] + 1)), index;
  bool *met = palloc0(most[SVECF32] + 1);
  if (*at++ != '{' || dims == 0 || dims > most[SVECF32] || *spaces(end) != 0) bad_text(text);
  at = spaces(at);
  while (*at != '}') {
    at = number(at, &index);
    if (*at != ':' || index < 0 || index >= dims || met[(size_t) index]) bad_text(text);
    met[(size_t) index] = true;
    at = number(spaces(at + 1), out + (size_t) index);
    if (*at == ',') at = spaces(at + 1);
    else if (*at != '}') bad_text(text);
  }
  if (spaces(at + 1) != slash) bad_text(text);
  return made(SVECF32, out, (uint32) dims);
}

PG_FUNCTION_INFO_V1(double_in);
Datum double_in(PG_FUNCTION_ARGS) {
  const int kind = kinds_of(fcinfo).of;
  return kind == SVECF32 ? sparse_in(PG_GETARG_CSTRING(0)) : dense_in(PG_GETARG_CSTRING(0), kind);
}

/* The fewest digits that give the float back, never with an exponent. */
static void append_number(StringInfo out, float value) {
  char text[32], *exponent;
  int digits = 1, scale;
  if (isnan(value) || isinf(value)) {
    appendStringInfoString(out, isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf");
    return;
  }
  do snprintf(text, sizeof text, "%.*e", digits - 1, (double) value);
  while (strtof(text, NULL) != value && ++digits <= 9);
  exponent = strchr(text, 'e');
  scale = digits - 1 - atoi(exponent + 1);
  if (scale > 0) appendStringInfo(out, "%.*f", scale, strtod(text, NULL));
  else {
    *exponent = 0;
    for (const char *at = text; *at != 0; ++at)
      if (*at != '.') appendStringInfoChar(out, *at);
    for (; scale < 0 && value != 0; ++scale) appendStringInfoChar(out, '0');
  }
}

PG_FUNCTION_INFO_V1(double_out);
Datum double_out(PG_FUNCTION_ARGS) {
  const int kind = kinds_of(fcinfo).of;
  uint32 count;
  const float *from = elements(PG_GETARG_DATUM(0), kind, &count);
  StringInfoData out;
  bool first = true;
  initStringInfo(&out);
  appendStringInfoChar(&out, kind == SVECF32 ? '{' : '[');
  for (uint32 i = 0; i < count; ++i) {
    if (kind == SVECF32 && from[i] == 0) continue;
    if (!first) appendStringInfoString(&out, ", ");
    first = false;
    if (kind == SVECF32) appendStringInfo(&out, "%u:", i);
    append_number(&out, from[i]);
  }
  if (kind == SVECF32) appendStringInfo(&out, "}/%u", count);
  else appendStringInfoChar(&out, ']');
  PG_RETURN_CSTRING(out.data);
}

PG_FUNCTION_INFO_V1(double_send);
Datum double_send(PG_FUNCTION_ARGS) { PG_RETURN_BYTEA_P(PG_DETOAST_DATUM_COPY(PG_GETARG_DATUM(0))); }

static pg_noreturn void corrupt(void) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("detect data corruption")));
}

static void check_binary(const char *at, int kind) {
  const uint32 dims = dims_of(at, kind);
  if (dims == 0 || dims > most[kind]) corrupt();
  for (uint32 i = dims; kind == BVECF32 && i % 64 != 0; ++i)
    if ((at[2 + i / 8] >> i % 8 & 1) != 0) corrupt();
  for (uint32 i = 0, entries = uint_at(at + 4); kind == SVECF32 && i < entries; ++i)
    if (uint_at(at + 8 + 4 * i) >= dims || float_at(at + 8 + 4 * (entries + i)) == 0 ||
        (i != 0 && uint_at(at + 8 + 4 * i) <= uint_at(at + 4 + 4 * i)))
      corrupt();
}

PG_FUNCTION_INFO_V1(double_recv);
Datum double_recv(PG_FUNCTION_ARGS) {
  const int kind = kinds_of(fcinfo).of;
  StringInfo from = (StringInfo) PG_GETARG_POINTER(0);
  const int head = kind == SVECF32 ? 8 : kind == VECI8 ? 4 : 2;
  char first[8] = {0}, *out;
  size_t size;
  pq_copymsgbytes(from, first, head);
  size = size_of(first, kind);
  out = room_for(size + 8);  /* check_binary looks at the second word of every type */
  SET_VARSIZE(out, VARHDRSZ + size);
  memcpy(VARDATA(out), first, (size_t) head);
  pq_copymsgbytes(from, VARDATA(out) + head, (int) size - head);
  check_binary(VARDATA(out), kind);
  PG_RETURN_POINTER(out);
}

/* The modifier is of the declaration alone: nothing that comes in is held against it. */

PG_FUNCTION_INFO_V1(double_typmod_in);
Datum double_typmod_in(PG_FUNCTION_ARGS) {
  const char *limit = strrchr(get_func_name(fcinfo->flinfo->fn_oid), '_');
  const int high = atoi(limit + 1);
  int count, *list = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &count);
  if (count != 1 || list[0] < 1 || list[0] > high)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("Modifier of the type is invalid.")));
  PG_RETURN_INT32(list[0]);
}

PG_FUNCTION_INFO_V1(double_typmod_out);
Datum double_typmod_out(PG_FUNCTION_ARGS) {
  PG_RETURN_CSTRING(psprintf(PG_GETARG_INT32(0) > 0 ? "(%d)" : "", PG_GETARG_INT32(0)));
}

PG_FUNCTION_INFO_V1(double_cast);
Datum double_cast(PG_FUNCTION_ARGS) {
  const Kinds kinds = kinds_of(fcinfo);
  uint32 count;
  const float *from = elements(PG_GETARG_DATUM(0), kinds.of, &count);
  return made(kinds.to, from, count);
}

PG_FUNCTION_INFO_V1(double_from_array);
Datum double_from_array(PG_FUNCTION_ARGS) {
  Datum *values;
  bool *nulls;
  int count;
  float *out;
  deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), FLOAT4OID, 4, true, TYPALIGN_INT, &values, &nulls, &count);
  out = palloc(sizeof(float) * (Size) (count + 1));
  for (int i = 0; i < count; ++i) out[i] = nulls[i] ? NAN : DatumGetFloat4(values[i]);
  return made(VECF32, out, (uint32) count);
}

PG_FUNCTION_INFO_V1(double_to_array);
Datum double_to_array(PG_FUNCTION_ARGS) {
  uint32 count;
  const float *from = elements(PG_GETARG_DATUM(0), VECF32, &count);
  Datum *out = palloc(sizeof(Datum) * count);
  for (uint32 i = 0; i < count; ++i) out[i] = Float4GetDatum(from[i]);
  PG_RETURN_ARRAYTYPE_P(construct_array(out, (int) count, FLOAT4OID, 4, true, TYPALIGN_INT));
}

/* <-> has no square root; of bits it counts those that differ. */

PG_FUNCTION_INFO_V1(double_distance);
Datum double_distance(PG_FUNCTION_ARGS) {
  const int kind = kinds_of(fcinfo).of;
  const char *what = strrchr(get_func_name(fcinfo->flinfo->fn_oid), '_') + 1;
  uint32 n, m;
  const float *a = elements(PG_GETARG_DATUM(0), kind, &n), *b = elements(PG_GETARG_DATUM(1), kind, &m);
  double squares = 0, dot = 0, left = 0, right = 0, both = 0, any = 0;
  if (n != m)
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("The vectors should have the same number of dimensions.")));
  for (uint32 i = 0; i < n; ++i) {
    squares += (a[i] - b[i]) * (a[i] - b[i]);
    dot += (double) a[i] * b[i], left += (double) a[i] * a[i], right += (double) b[i] * b[i];
    both += a[i] != 0 && b[i] != 0, any += a[i] != 0 || b[i] != 0;
  }
  if (strcmp(what, "dot") == 0) PG_RETURN_FLOAT4((float) -dot);
  if (strcmp(what, "cos") == 0) PG_RETURN_FLOAT4((float) (1 - dot / sqrt(left * right)));
  if (strcmp(what, "jaccard") == 0) PG_RETURN_FLOAT4((float) (1 - both / any));
  PG_RETURN_FLOAT4((float) squares);
}

PG_FUNCTION_INFO_V1(double_equal);
Datum double_equal(PG_FUNCTION_ARGS) {
  const char *what = strrchr(get_func_name(fcinfo->flinfo->fn_oid), '_') + 1;
  struct varlena *a = PG_DETOAST_DATUM(PG_GETARG_DATUM(0)), *b = PG_DETOAST_DATUM(PG_GETARG_DATUM(1));
  const bool equal = VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
  PG_RETURN_BOOL(equal == (strcmp(what, "eq") == 0));
}

PG_FUNCTION_INFO_V1(double_dimensions);
Datum double_dimensions(PG_FUNCTION_ARGS) {
  PG_RETURN_INT32((int32) dims_of(VARDATA(PG_DETOAST_DATUM(PG_GETARG_DATUM(0))), kinds_of(fcinfo).of));
}
