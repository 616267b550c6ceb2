-- lugger vector tune: the command. It measures indexes of a column on a copy of its rows.
local function run(args)
  return require('lugger.inner.tune.command').run(args)
end

return {
  summary = 'Measure indexes of a column of pgvector on a copy of its rows: recall against the exact neighbours, '
    .. 'times, size; and the settings that find enough.',
  arguments = { { 'column', 'TABLE.COLUMN, or SCHEMA.TABLE.COLUMN' } },
  flags = {
    { 'on', 'the database (default: PG_DIRECT_URI, else PG_URI)', value = 'PLACE' },
    { 'rows', 'copy so many rows, or all (default 100000)', value = 'N' },
    { 'sample', 'as many stored vectors are the queries (default 100)', value = 'N', type = 'int', least = 1 },
    { 'queries', 'the queries are the lines of this file: { "vector": [...], "filter": { ... } }', value = 'FILE' },
    { 'seed', 'draw other rows and queries (default 1)', value = 'SEED', type = 'int' },
    { 'filter', 'all queries ask only for rows that meet this condition', value = 'SQL' },
    { 'k', 'neighbours that a query asks for (default 10)', short = 'k', value = 'K', type = 'int', least = 1 },
    { 'metric', 'cosine, dot, l2, l1, hamming or jaccard (default: as the index)', value = 'METRIC' },
    { 'min-recall', 'the least recall that is enough (default 0.95)', value = 'SHARE', type = 'number' },
    { 'method', 'hnsw, ivfflat, or both (default: that of the index, else hnsw)', value = 'A,B' },
    { 'm', 'hnsw: neighbours of a vector (default 16,24)', value = 'N,...' },
    { 'ef-construction', 'hnsw: candidates while building (default 64,200)', value = 'N,...' },
    { 'ef-search', 'hnsw: candidates of a search (default: five from k on)', value = 'N,...' },
    { 'lists', 'ivfflat: lists (default: by the rows)', value = 'N,...' },
    { 'probes', 'ivfflat: lists that are read (default: five around the root of lists)', value = 'N,...' },
    { 'iterative-scan', 'off, relaxed_order, strict_order (default: off; with filters the first two)',
      value = 'A,...' },
    { 'max-scan-tuples', 'rows after which an iterative scan gives up (default 20000,100000)', value = 'N,...' },
    { 'index-memory', 'memory of a build, as in 2GB (default: the server\'s maintenance_work_mem)', value = 'SIZE' },
    { 'json', 'what was measured as JSON' },
    { 'html', 'write the plot to this file', value = 'FILE' },
    { 'write', 'write the settings as a migration: into a directory, or to a file that ends in .sql',
      value = 'PATH' },
    { 'dry-run', 'say what it would take, and make nothing' },
    { 'keep', 'leave the copy: the same command measures further settings on it' },
    { 'drop', 'drop the copy that a sweep left' },
    { 'schema', 'the schema of the copy, made and dropped (default lugger_tune)', value = 'NAME' },
  },
  more = 'Exit status: 0 done, 1 failed, 2 usage, 4 nothing finds enough, 130 stopped.\n'
    .. 'The same command goes on after anything. No index of the table itself is touched.',
  examples = { 'lugger vector tune docs.embedding --dry-run',
    'lugger vector tune docs.embedding --html tune.html --write migrations',
    [[lugger vector tune docs.embedding --filter "tenant = 'acme'" --rows all]] },
  run = run,
}
