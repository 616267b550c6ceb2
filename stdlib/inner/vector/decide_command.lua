-- lugger vector decide: may the vectors be copied?
local cli = require 'lugger.inner.cli.cli'
local flags = require 'lugger.inner.cli.flags'
local json = require 'lugger.inner.base.json_text'

local passed = { 'from', 'to', 'from_model', 'to_model', 'documents', 'text', 'sample', 'bytes_per_token', 'tokens',
  'price', 'per_minute', 'requests_per_minute', 'batch', 'tokens_per_minute', 'keys', 'own_endpoint', 'metadata_bytes',
  'read_unit_price', 'write_unit_price' }

local function as_json(found)
  for _, name in ipairs { 'reasons', 'facts', 'steps' } do json.list(found[name]) end
  return json.encode(found)
end

local function run(args)
  for _, name in ipairs { 'from', 'to' } do
    if not args[name] then
      flags.usage_error(('--%s is missing'):format(name), 'lugger vector decide --from PLACE#COLUMN --to MODEL')
    end
  end
  local settings = { shortenable = args.shortenable or nil }
  for _, name in ipairs(passed) do settings[name] = args[name] end
  if args.texts then
    local place, name = args.texts:match '^(.+)#([^#]+)$'
    settings.texts = require('lugger').source(place or args.texts, { table = name })
  end
  local found = require('lugger.inner.vector.decide').of(settings)
  if args.json then
    require('lugger.inner.view.terminal').line(as_json(found))
  else
    require('lugger.inner.vector.decide_view').show(found, settings)
  end
  return found.re_embed_required and cli.exit.differences or cli.exit.done
end

return {
  summary = 'Say whether vectors may be copied or must be embedded anew, fact by fact, and what that would cost and '
    .. 'take.',
  flags = {
    { 'from', 'PLACE#COLUMN, of a database PLACE#TABLE.COLUMN; a .manifest file; or the name of a model',
      value = 'SIDE' },
    { 'to', 'the same of the other side', value = 'SIDE' },
    { 'from-model', 'the model of a place whose manifest does not say it', value = 'MODEL' },
    { 'to-model', 'the same of the other side', value = 'MODEL' },
    { 'shortenable', 'the model is made so that its vectors may be cut; known of text-embedding-3' },
    { 'text', 'the column or path with the texts: about 1000 are measured', value = 'PATH' },
    { 'texts', 'where the texts are, when not in --from: PLACE, of a database PLACE#TABLE', value = 'PLACE' },
    { 'sample', 'measure about N texts (default 1000)', value = 'N', type = 'int', least = 1 },
    { 'bytes-per-token', 'of the texts (default 4, as of English)', value = 'N', type = 'number' },
    { 'documents', 'how many (default: what --from holds)', value = 'N', type = 'int', least = 1 },
    { 'tokens', 'tokens a document, without --text (default 500)', value = 'N', type = 'number' },
    { 'price', 'US dollars a million tokens (default: of the model, else 0.02)', value = 'USD', type = 'number' },
    { 'per-minute', 'documents a minute and key (default 2000, when no rate is given)', value = 'N', type = 'number' },
    { 'requests-per-minute', 'requests a minute and key', value = 'N', type = 'number' },
    { 'batch', 'texts a request (default 100)', value = 'N', type = 'int', least = 1 },
    { 'tokens-per-minute', 'tokens a minute and key', value = 'N', type = 'number' },
    { 'keys', 'that are used side by side (default 1)', value = 'N', type = 'int', least = 1 },
    { 'own-endpoint', 'a model of your own: no price, no limit but the rates that you give' },
    { 'metadata-bytes', 'of a record of Pinecone (default 1000)', value = 'N', type = 'int' },
    { 'read-unit-price', "US dollars a million of Pinecone's read units (default 16)", value = 'USD', type = 'number' },
    { 'write-unit-price', 'of its write units (default 4)', value = 'USD', type = 'number' },
    { 'json', 'as one JSON object' },
  },
  more = 'Exit status: 0 they may be copied, 4 they must be embedded anew or nothing tells, 1 failed, 2 usage.',
  examples = { 'lugger vector decide --from text-embedding-ada-002 --to text-embedding-3-small --documents 100000',
    'lugger vector decide --from env:PG_URI#docs.embedding --to pinecone://docs --text body' },
  run = run,
}
