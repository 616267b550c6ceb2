/* What Lua reaches by FFI: plain structs and functions that never throw. This file is the C++ declaration and, between the cdef marks, the
   text given to ffi.cdef. A change here changes LUG_ABI_VERSION. */
#ifndef LUGGER_BINDINGS_ABI_H
#define LUGGER_BINDINGS_ABI_H
#include <cstdint>
#define LUG_NOEXCEPT noexcept
extern "C" {
/* cdef begin */
enum { LUG_ABI_VERSION = 8, LUG_HERE = 0x7fffffff, LUG_SHARED_NESTED = 255, LUG_SHARED_END = 0x7fffffff };
enum { LUG_DECIMAL_OUT_OF_RANGE = 0x7fffffff };

/* Bit-equal to lugger::Value; types are numbered in runtime/value/type.hpp. */
typedef struct lug_value {
  uint8_t type;
  uint8_t flags; /* 1: written by a hook; 4: did not fit its column; 8: the same, and becomes NULL or the default; 16: see lug_row_add */
  uint16_t aux;
  uint32_t size;
  union {
    int64_t i64;
    double f64;
    const uint8_t *data;
  };
} lug_value;

/* Bit-equal to lugger::Document. */
typedef struct lug_document {
  const uint8_t *data;
  uint32_t size;
  uint8_t format;
  const void *shape;
} lug_document;

/* A batch as Lua sees it. generation changes when its documents become invalid; the struct itself lives as long as the Lua state. */
typedef struct lug_batch {
  uint32_t generation;
  uint32_t count;
  const lug_document *documents;
  void *arena;
  void *self;
} lug_batch;

/* Rows of one table, for the length of one hook call. */
typedef struct lug_rows {
  lug_batch *batch;
  lug_value *slots;          /* row by row, width to a row */
  const uint32_t *documents; /* the document each row came from */
  const uint8_t *live;
  uint32_t count, width;
  uint32_t at; /* the current row: where an error happened */
  uint32_t table;
  uint32_t stop;    /* the error ends the run, whatever on_hook_error says */
  void *hook;
} lug_rows;

/* Members of the next structs and of lug_date hide what scripts find under the same name; so they have names that no data has. */

/* One row: a view that is valid while its generation is the batch's. */
typedef struct lug_row {
  lug_value *lug_slots_;
  uint32_t lug_generation_;
} lug_row;

/* A document or array inside a batch: a view, decoded when asked. */
typedef struct lug_doc {
  const uint8_t *lug_data_;
  uint32_t lug_size_;
  uint8_t lug_format_;
  uint8_t lug_array_;
  uint32_t lug_generation_;
  const void *lug_shape_;
  const lug_batch *lug_batch_;
} lug_doc;

/* A table of lugger.shared, or one in it. */
typedef struct lug_shared {
  const void *const lug_table_;
} lug_shared;
/* A key is of type string, double or bool. A value of type LUG_SHARED_NESTED has a table for its data. */
typedef struct lug_shared_entry {
  lug_value key, value;
} lug_shared_entry;

/* Goes over the fields of a document. */
typedef struct lug_iter {
  uint64_t state[24];
  const char *name;
  uint32_t name_size;
  uint32_t kind;
  lug_value value;
} lug_iter;

/* Goes over the elements of a PostgreSQL array, in row-major order. */
typedef struct lug_array {
  uint64_t state[16];
  uint32_t dimensions;
  uint32_t count;
  uint32_t sizes[6];
  lug_value value;
} lug_array;

/* One of the best of lug_vector_top_k. */
typedef struct lug_match {
  uint32_t index;
  double score;
} lug_match;

typedef struct lug_objectid {
  uint8_t bytes[12];
} lug_objectid;
typedef struct lug_uuid {
  uint8_t bytes[16];
} lug_uuid;
/* An instant: Unix milliseconds and microseconds beyond them (0..999). Its place: 0, UTC; 1, it is a calendar day; else the number of a
   time zone. The ends of int64 are infinities. */
typedef struct lug_date {
  int64_t lug_ms_;
  int32_t lug_us_;
  int32_t lug_place_;
} lug_date;
/* A length of time as PostgreSQL has it: its parts are not exchanged for one another. */
typedef struct lug_interval {
  int64_t lug_micros_;
  int32_t lug_days_;
  int32_t lug_months_;
} lug_interval;

int lug_abi_version(void) LUG_NOEXCEPT;

/* A copy that lives as long as the batch; NULL: no memory. */
const uint8_t *lug_arena_copy(void *arena, const char *bytes, uint32_t size) LUG_NOEXCEPT;

/* What json text says: a document, a list, text, ... Returns its type; that of json when it cannot be read. */
int lug_json_value(void *arena, const lug_value *json, lug_value *out) LUG_NOEXCEPT;

/* Return the value's type, 0 when there is none. lug_doc_at counts from 0. */
int lug_doc_field(const lug_doc *doc, const char *name, uint32_t size, lug_value *out) LUG_NOEXCEPT;
int lug_doc_at(const lug_doc *doc, uint32_t index, lug_value *out) LUG_NOEXCEPT;
/* The value at a dotted path, as in a column's `from`; -1: it is not a path. */
int lug_doc_path(const lug_doc *doc, const char *path, uint32_t size, lug_value *out) LUG_NOEXCEPT;
/* Fields or elements; -1: the bytes are not a document. */
int lug_doc_count(const lug_doc *doc) LUG_NOEXCEPT;
void lug_iter_start(lug_iter *iter, const lug_doc *doc) LUG_NOEXCEPT;
/* 1: name and value are set; 0: the end; -1: the bytes are not a document. */
int lug_iter_next(lug_iter *iter) LUG_NOEXCEPT;

/* BSON that outlives a row of PostgreSQL; 0: its bytes are not a row. */
uint32_t lug_row_bson(const lug_doc *doc, char *out, uint32_t room) LUG_NOEXCEPT;
/* What BSON has behind the name of a binary for a value that no BSON type holds (runtime/value/marked.hpp); 0: it is another. */
uint32_t lug_value_marked(const lug_value *value, char *out, uint32_t room) LUG_NOEXCEPT;

/* The value at a dotted path in every document of a batch: out has room for batch.count values, missing ones are of type 0. Returns 0 when
   the path is not one. */
int lug_batch_values(const lug_batch *batch, const char *path, uint32_t size, lug_value *out) LUG_NOEXCEPT;

/* 0: the bytes are not an array. */
int lug_array_start(lug_array *array, const lug_value *value) LUG_NOEXCEPT;
/* As lug_iter_next. */
int lug_array_next(lug_array *array) LUG_NOEXCEPT;

/* Text functions write at most room bytes and return the length, which may be more: call again with that room. */
uint32_t lug_doc_json(const lug_doc *doc, int style, char *out, uint32_t room) LUG_NOEXCEPT;
uint32_t lug_value_json(const lug_value *value, int style, char *out, uint32_t room) LUG_NOEXCEPT;
/* The value as people write it: digits, ISO dates, hex. */
uint32_t lug_value_text(const lug_value *value, char *out, uint32_t room) LUG_NOEXCEPT;
/* An _id as text; 0: the value cannot be one. style 0: safe, 1: plain. */
uint32_t lug_id_text(const lug_value *value, int style, char *out, uint32_t room) LUG_NOEXCEPT;

/* Return 1 when the text could be read. */
int lug_objectid_parse(const char *text, uint32_t size, lug_objectid *out) LUG_NOEXCEPT;
int lug_uuid_parse(const char *text, uint32_t size, lug_uuid *out) LUG_NOEXCEPT;
/* An instant, or a calendar day (day 1). */
int lug_date_parse(const char *text, uint32_t size, int day, lug_date *out) LUG_NOEXCEPT;
void lug_uuid_v7(lug_uuid *out) LUG_NOEXCEPT;
void lug_uuid_v5(const lug_uuid *space, const char *name, uint32_t size, lug_uuid *out) LUG_NOEXCEPT;
int64_t lug_now_micros(void) LUG_NOEXCEPT; /* Unix */
/* PostgreSQL's instants and days to a date and back. */
void lug_date_from_value(const lug_value *value, lug_date *out) LUG_NOEXCEPT;
void lug_date_to_value(const lug_date *date, lug_value *out) LUG_NOEXCEPT;
/* A field and a unit are a DateField and a DateUnit of runtime/value/date_math.hpp; the date is not infinite. */
int32_t lug_date_field(const lug_date *date, int field) LUG_NOEXCEPT;
/* What makes a date returns 0 when it is out of range. */
int lug_date_add(const lug_date *date, const lug_interval *interval, lug_date *out) LUG_NOEXCEPT;
int lug_date_trunc(const lug_date *date, int unit, lug_date *out) LUG_NOEXCEPT;
/* From its local time; months and days count from 1. */
int lug_date_make(int32_t year, int month, int day, int64_t ms_of_day, int32_t place, lug_date *out) LUG_NOEXCEPT;
int lug_date_compare(const lug_date *a, const lug_date *b) LUG_NOEXCEPT;
int32_t lug_days_in_month(int32_t year, int month) LUG_NOEXCEPT;
int lug_interval_parse(const char *text, uint32_t size, lug_interval *out) LUG_NOEXCEPT;
/* PostgreSQL's 16 bytes. */
void lug_interval_bytes(const lug_interval *interval, uint8_t *out16) LUG_NOEXCEPT;
void lug_interval_of_bytes(const uint8_t *bytes16, lug_interval *out) LUG_NOEXCEPT;
/* Years, months, days, hours, minutes, seconds from 0, with the sign of their part. */
double lug_interval_field(const lug_interval *interval, int field) LUG_NOEXCEPT;
int lug_interval_compare(const lug_interval *a, const lug_interval *b) LUG_NOEXCEPT;
/* 0: out of range. */
int lug_interval_add(const lug_interval *a, const lug_interval *b, int subtract, lug_interval *out) LUG_NOEXCEPT;
/* Times a number, or divided by it, as PostgreSQL does; 0: out of range. */
int lug_interval_scale(const lug_interval *interval, double factor, int divide, lug_interval *out) LUG_NOEXCEPT;

/* The number of a time zone by its name; 0: there is none; below 0: no zones are installed. */
int32_t lug_zone_find(const char *name, uint32_t size) LUG_NOEXCEPT;
uint32_t lug_zone_name(int32_t zone, char *out, uint32_t room) LUG_NOEXCEPT;
/* "CEST". */
uint32_t lug_zone_abbreviation(int32_t zone, int64_t seconds, char *out, uint32_t room) LUG_NOEXCEPT;
/* The names of all zones, a line each. */
uint32_t lug_zone_names(char *out, uint32_t room) LUG_NOEXCEPT;

/* Decimals are values of type decimal or numeric. The result's bytes are written to out; the length is returned, 0: not a number in text,
   or more than room. LUG_DECIMAL_OUT_OF_RANGE: the result of a computation has more digits before the point than numeric holds. */
uint32_t lug_decimal_parse(const char *text, uint32_t size, uint8_t *out, uint32_t room) LUG_NOEXCEPT;
/* op: '+', '-', '*', '%'. For '%' b must not be zero. */
uint32_t lug_decimal_compute(const lug_value *a, const lug_value *b, int op, uint8_t *out, uint32_t room) LUG_NOEXCEPT;
/* scale -1: as PostgreSQL's numeric; mode: a Rounding of runtime/value/decimal_division.hpp. b must not be zero. */
uint32_t lug_decimal_divide(const lug_value *a, const lug_value *b, int scale, int mode, uint8_t *out, uint32_t room) LUG_NOEXCEPT;
uint32_t lug_decimal_round(const lug_value *value, int scale, int mode, uint8_t *out, uint32_t room) LUG_NOEXCEPT;
int lug_decimal_compare(const lug_value *a, const lug_value *b) LUG_NOEXCEPT;
double lug_decimal_number(const lug_value *value) LUG_NOEXCEPT;
/* Writes decimal128; 0: does not fit. */
int lug_decimal_bson(const lug_value *value, uint8_t *out16) LUG_NOEXCEPT;

/* Text functions with a way of doing it: as the text functions above, but below 0 they cannot do it with this text. */
int32_t lug_text_case(const char *text, uint32_t size, int upper, char *out, uint32_t room) LUG_NOEXCEPT;
/* form: a NormalForm of runtime/base/unicode.hpp. */
int32_t lug_text_normal(const char *text, uint32_t size, int form, char *out, uint32_t room) LUG_NOEXCEPT;
/* decode 1: back to bytes. */
int32_t lug_text_base64(const char *text, uint32_t size, int decode, char *out, uint32_t room) LUG_NOEXCEPT;
int32_t lug_text_hex(const char *text, uint32_t size, int decode, char *out, uint32_t room) LUG_NOEXCEPT;
/* Hex of SHA-2; bits: 256 or 512. */
int32_t lug_text_digest(const char *text, uint32_t size, int bits, char *out, uint32_t room) LUG_NOEXCEPT;
int32_t lug_text_hmac(const char *key, uint32_t key_size, const char *text, uint32_t size, int bits, char *out, uint32_t room) LUG_NOEXCEPT;
int lug_text_same(const char *a, uint32_t a_size, const char *b, uint32_t b_size) LUG_NOEXCEPT;
uint32_t lug_text_length(const char *text, uint32_t size) LUG_NOEXCEPT;
/* The offset of a character, counted from 0. */
uint32_t lug_text_offset(const char *text, uint32_t size, uint32_t index) LUG_NOEXCEPT;
/* Where the text without white space at its ends begins and ends. */
void lug_text_trim(const char *text, uint32_t size, uint32_t *out2) LUG_NOEXCEPT;

/* A regular expression. lug_regex_new returns NULL when there is no such pattern, and writes the error, NUL at its end. */
typedef struct lug_regex lug_regex;
lug_regex *lug_regex_new(const char *pattern, uint32_t size, const char *flags, uint32_t flags_size, char *error, uint32_t room) LUG_NOEXCEPT;
void lug_regex_free(lug_regex *regex) LUG_NOEXCEPT;
/* not_empty 1: matches at start only, and not the empty text. Above 0: found; 0: not; below: given up. */
int lug_regex_search(lug_regex *regex, const char *text, uint32_t size, uint32_t start, int not_empty) LUG_NOEXCEPT;
/* Writes begin and end of a group of the last match; 0: it took no part. */
int lug_regex_group(const lug_regex *regex, uint32_t number, uint32_t *out2) LUG_NOEXCEPT;
uint32_t lug_regex_groups(const lug_regex *regex) LUG_NOEXCEPT;
/* The names of groups in the order of the alphabet, from 0, each with its group; NULL: there are no more. */
const char *lug_regex_name(const lug_regex *regex, uint32_t index, uint32_t *group) LUG_NOEXCEPT;
/* What a search gave up for, NUL at its end. */
void lug_regex_told(int fault, char *out, uint32_t room) LUG_NOEXCEPT;

/* A coercer of native.coercer(): 0 is success, otherwise a failure for lug_coerce_failure. out lives until the next call. */
int lug_coerce(void *coercer, const lug_value *in, lug_value *out) LUG_NOEXCEPT;
uint32_t lug_coerce_failure(void *coercer, int failure, const lug_value *in, char *out, uint32_t room) LUG_NOEXCEPT;

/* Of a table of lugger.shared. NULL: there is no such key. */
const lug_value *lug_shared_text(const void *table, const char *key, uint32_t size) LUG_NOEXCEPT;
const lug_value *lug_shared_number(const void *table, double key) LUG_NOEXCEPT;
const lug_value *lug_shared_bool(const void *table, int key) LUG_NOEXCEPT;
/* Entries that are not elements of the list lie in slots from 0, with holes between them: the first from this slot on; LUG_SHARED_END. */
uint32_t lug_shared_next(const void *table, uint32_t slot) LUG_NOEXCEPT;
const lug_shared_entry *lug_shared_at(const void *table, uint32_t slot) LUG_NOEXCEPT;
uint32_t lug_shared_count(const void *table) LUG_NOEXCEPT;
uint32_t lug_shared_length(const void *table) LUG_NOEXCEPT;
/* What Lua said of the table beside its keys and values; of type missing: nothing. */
const lug_value *lug_shared_about(const void *table) LUG_NOEXCEPT;
/* The memory of a table and all tables in it lives as long as one of them is held. */
void lug_shared_hold(const void *table) LUG_NOEXCEPT;
void lug_shared_release(const void *table) LUG_NOEXCEPT;

/* The numbers of whatever can be read as a vector. Writes at most room floats and returns the count, which may be more: call again with that
   room. Below 0: it is no vector; minus a VectorFault of runtime/vector/elements.hpp. */
int32_t lug_vector_read(const lug_value *value, float *out, uint32_t room) LUG_NOEXCEPT;
/* Vectors of n numbers. */
double lug_vector_dot(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
double lug_vector_cosine(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
double lug_vector_l2(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
double lug_vector_l1(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
double lug_vector_hamming(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
double lug_vector_jaccard(const float *a, const float *b, uint32_t n) LUG_NOEXCEPT;
void lug_vector_add(const float *a, const float *b, float *out, uint32_t n) LUG_NOEXCEPT;
void lug_vector_scale(float *v, uint32_t n, double factor) LUG_NOEXCEPT;
void lug_vector_mean(const float *const *vectors, uint32_t count, float *out, uint32_t n) LUG_NOEXCEPT;
/* precision 0: half, 1: int8, 2: bit. */
void lug_vector_quantise(float *v, uint32_t n, int precision) LUG_NOEXCEPT;
double lug_vector_norm(const float *v, uint32_t n) LUG_NOEXCEPT;
void lug_vector_normalise(float *v, uint32_t n) LUG_NOEXCEPT;
/* The best k of count vectors, NULL is a hole; metric 0: cosine, 1: dot, 2: l2, 3: l1, 4: hamming, 5: jaccard. Returns how many it found, best
   first. */
uint32_t lug_vector_top_k(const float *const *vectors, uint32_t count, const float *query, uint32_t n, int metric, lug_match *out,
                          uint32_t k) LUG_NOEXCEPT;

/* What a hook decides about row i. Texts are copied. */
void lug_row_skip(lug_rows *rows, uint32_t i, const char *reason, uint32_t size) LUG_NOEXCEPT;
void lug_row_reject(lug_rows *rows, uint32_t i, const char *message, uint32_t size) LUG_NOEXCEPT;
void lug_row_drop(lug_rows *rows, uint32_t i) LUG_NOEXCEPT;
/* The next return 0 when there is no memory. Row i itself, for one of the document's own tables. */
int lug_row_place(lug_rows *rows, uint32_t i, uint32_t table) LUG_NOEXCEPT;
/* One more row of the same document. Slots with flag 16 are those of row i, and generated columns among them are made anew. */
int lug_row_add(lug_rows *rows, uint32_t i, uint32_t table, const lug_value *slots) LUG_NOEXCEPT;
/* The same, of lugger.emit: it waits for what the hook returns. LUG_HERE: where the document's own row goes. */
int lug_row_emit(lug_rows *rows, const lug_value *slots, uint32_t table) LUG_NOEXCEPT;
/* Adds the rows that wait. */
int lug_row_add_emitted(lug_rows *rows, uint32_t i, uint32_t here) LUG_NOEXCEPT;
void lug_row_forget_emitted(lug_rows *rows) LUG_NOEXCEPT;
/* cdef end */
}
#endif
