-- Names: S0-37, createdAt becomes created_at; 63 bytes; no two alike.
local check = require 'check'
local lugger = require 'lugger'
local names = require 'lugger.inner.base.names'
local equal = check.equal

describe('snake case', function()
  it('parts words where the letters change', function()
    for given, wanted in pairs {
      createdAt = 'created_at', HTTPServer = 'http_server', userID = 'user_id', userIDs = 'user_ids', URLs = 'urls',
      parseURLsFast = 'parse_urls_fast', getHTTPResponseCode = 'get_http_response_code',
      already_snake = 'already_snake',
      ['first name'] = 'first_name', ['kebab-case'] = 'kebab_case', ['a.b'] = 'a_b', X509Cert = 'x509_cert',
      line2Text = 'line2_text', A = 'a', ABC = 'abc', ID = 'id', __v = '__v', _class = '_class',
      trailing_ = 'trailing_',
      ['größeMax'] = 'größe_max', lower = 'lower', ['1st'] = '1st',
    } do
      equal(lugger.snake_case(given), wanted)
    end
  end)
  it('leaves names without a letter or digit alone', function()
    equal(lugger.snake_case '', '')
    equal(lugger.snake_case '___', '___')
    equal(lugger.snake_case '$$', '$$')
  end)
end)

describe('chosen names', function()
  local function choose(used, wanted)
    local chosen = names.choose(wanted, used, 'column')
    return chosen.name, table.concat(chosen.notes, '; ')
  end
  it('are told apart by more than case', function()
    local used = names.set()
    equal(choose(used, 'email'), 'email')
    local name, note = choose(used, 'Email')
    equal(name, 'Email_2')
    equal(note, 'the name Email is taken by email')
    equal(choose(used, 'EMAIL'), 'EMAIL_3')
  end)
  it('fit into 63 bytes, whole characters only, and stay apart', function()
    local used = names.set()
    local seen = {}
    for _, letter in ipairs { 'n', 'ä', '😀' } do
      for count = 64, 70 do
        local name = choose(used, letter:rep(count))
        equal(#name <= 63 and #name > 55, true)
        equal(require('lugger.native').system.is_utf8(name), true)
        equal(seen[name], nil)
        seen[name] = true
      end
    end
    equal(choose(names.set(), ('n'):rep(70)), choose(names.set(), ('n'):rep(70)))
  end)
  it('are UTF-8, and tables have no dot and no name of the system', function()
    equal(choose(names.set(), 'a\255b'), 'a_b')
    equal(names.choose('a.b', names.set(), 'table').name, 'a_b')
    equal(names.choose('pg_class', names.set(), 'table').name, 'pg_class_')
  end)
  it('of tables leave the names of keys free', function()
    local used = names.set()
    equal(names.choose('users', used, 'table').name, 'users')
    equal(names.choose('users_pkey', used, 'table').name, 'users_pkey_2')
    used = names.set()
    equal(names.choose('users_pkey', used, 'table').name, 'users_pkey')
    equal(names.choose('users', used, 'table').name, 'users_2')
  end)
  it('are never empty, nor one of the system\'s', function()
    local used = names.set()
    equal(choose(used, ''), 'unnamed')
    equal(choose(used, 'xmin'), 'xmin_')
  end)
  it('say when they must be quoted', function()
    local name, note = choose(names.set(), 'order')
    equal(name, 'order')
    equal(note, '"order" is a word of SQL: write it in quotes')
  end)
end)
