-- UTF-8 text, bytes as text, digests, files: what scripts reach for.
local check = require 'check'
local lugger = require 'lugger'
local equal, raises, same_list = check.equal, check.raises, check.same_list
local text = lugger.text

describe('text', function()
  it('has case beyond ASCII', function()
    equal(text.upper 'straße é ж', 'STRAßE É Ж')
    equal(text.lower 'ÀÉ ΑΣ Ж', 'àé ασ ж')
    equal(text.lower 'A\255B', 'a\255b')
    equal(text.upper(7), '7')
    raises('lugger.text.upper takes text, not null', text.upper, lugger.null)
    raises('lugger.text.upper takes text, not nil', text.upper)
    equal(#text.upper(('é'):rep(100000)), 200000)
  end)

  it('counts characters', function()
    equal(text.len 'aé€😀', 4)
    equal(text.len '', 0)
    equal(text.sub('aé€😀', 2, 3), 'é€')
    equal(text.sub('aé€😀', -2), '€😀')
    equal(text.sub('aé€😀', -2, -2), '€')
    equal(text.sub('aé€😀', 3, 2), '')
    equal(text.sub('aé€😀', 0, 99), 'aé€😀')
    equal(text.sub('aé€😀', -99, 1), 'a')
    equal(text.sub('', 1, 5), '')
    equal(text.sub('abc', 5), '')
  end)

  it('is sub and len of ASCII as Lua has them', function()
    for i = -7, 7 do
      for j = -7, 7 do equal(text.sub('abcde', i, j), ('abcde'):sub(i, j)) end
    end
  end)

  it('is split, trimmed, padded', function()
    same_list(text.split('a,,b', ','), { 'a', '', 'b' })
    same_list(text.split('', ','), { '' })
    same_list(text.split('a, b ,c', lugger.regex [[\s*,\s*]]), { 'a', 'b', 'c' })
    same_list(text.split('a.b.c', '.', 2), { 'a', 'b.c' })
    same_list(text.split('abc', lugger.regex 'x*'), { 'abc' })
    raises('needs a separator', text.split, 'a', '')
    equal(text.trim ' \t\194\160x y\227\128\128\n', 'x y')
    equal(text.trim '   ', '')
    equal(text.pad_start(7, 5, '0'), '00007')
    equal(text.pad_start('é', 3), '  é')
    equal(text.pad_end('é', 4, 'ab'), 'éaba')
    equal(text.pad_end('long', 2), 'long')
    raises('whole number', text.pad_end, 'x', 1.5)
    equal(text.starts_with('abc', 'ab'), true)
    equal(text.starts_with('abc', ''), true)
    equal(text.starts_with('ab', 'abc'), false)
    equal(text.ends_with('abc', 'bc'), true)
    equal(text.ends_with('abc', ''), true)
    equal(text.ends_with('c', 'bc'), false)
  end)

  it('has normal forms', function()
    equal(text.normalise 'e\204\129', 'é')
    equal(text.normalise('é', 'nfd'), 'e\204\129')
    equal(text.normalise('ﬁ', 'nfkc'), 'fi')
    raises('is not UTF-8', text.normalise, '\255')
    raises('no normal form "nfx"', text.normalise, 'a', 'nfx')
    equal(text.is_utf8 'é', true)
    equal(text.is_utf8 '\233', false)
  end)
end)

describe('bytes', function()
  local bytes = '\0\1\255abc'
  it('as base64', function()
    equal(lugger.base64.encode(bytes), 'AAH/YWJj')
    equal(lugger.base64.encode(bytes, 'url'), 'AAH_YWJj')
    equal(lugger.base64.encode(lugger.binary(bytes)), 'AAH/YWJj')
    for size = 0, 20 do
      local all = ('\251\239x'):rep(7):sub(1, size)
      equal(lugger.base64.decode(lugger.base64.encode(all)), all)
      equal(lugger.base64.decode(lugger.base64.encode(all, 'url'), 'url'), all)
    end
    raises('"AA=" is not base64', lugger.base64.decode, 'AA=')
    raises("alphabet 'url'", lugger.base64.decode, 'AAH_YWJj')
    raises('is not base64', lugger.base64.decode, 'AAH/YWJj', 'url')
    raises('no alphabet "hex"', lugger.base64.encode, 'a', 'hex')
    raises('takes text or a binary, not 5', lugger.base64.encode, 5)
  end)

  it('as hex', function()
    equal(lugger.hex.encode(bytes), '0001ff616263')
    equal(lugger.hex.decode '0001FF616263', bytes)
    equal(lugger.binary(lugger.hex.decode '0001ff'):hex(), '0001ff')
    raises('"abc" is not hex', lugger.hex.decode, 'abc')
    raises('is not hex', lugger.hex.decode, 'zz')
  end)

  it('as digests', function()
    equal(lugger.sha256 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    equal(lugger.sha256(lugger.binary 'abc'), lugger.sha256 'abc')
    equal(#lugger.sha512 '', 128)
    equal(lugger.hmac_sha256('Jefe', 'what do ya want for nothing?'),
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
    equal(#lugger.hmac_sha512('k', 'v'), 128)
    equal(#lugger.hex.decode(lugger.sha256 'x'), 32)
    raises('lugger.sha256 takes text or a binary, not a table', lugger.sha256, {})
    equal(lugger.same_bytes('abc', lugger.binary 'abc'), true)
    equal(lugger.same_bytes('abc', 'abd'), false)
    equal(lugger.same_bytes('abc', 'ab'), false)
  end)
end)

describe('files', function()
  it('are read and written as a whole', function()
    lugger.write_file('text-a.txt', 'one\r\ntwo\n\nlast')
    equal(lugger.read_file 'text-a.txt', 'one\r\ntwo\n\nlast')
    local lines = {}
    for line in lugger.lines 'text-a.txt' do lines[#lines + 1] = line end
    same_list(lines, { 'one', 'two', '', 'last' })
    lugger.write_file('text-a.txt', lugger.binary '\0')
    equal(lugger.read_file 'text-a.txt', '\0')
    lugger.write_file('text-empty.txt', '')
    equal(lugger.lines 'text-empty.txt'(), nil)
    raises('cannot read nowhere.txt', lugger.read_file, 'nowhere.txt')
    raises('nowhere.txt', lugger.lines, 'nowhere.txt')
    raises('takes a path, not nil', lugger.read_file)
    raises('takes text or a binary, not nil', lugger.write_file, 'text-a.txt')
    equal(lugger.read_file 'text-a.txt', '\0')
  end)

  it('have long lines in pieces', function()
    local long = ('x'):rep(600000)
    lugger.write_file('text-long.txt', long .. '\n' .. long .. '\r\n\n')
    local sizes = {}
    for line in lugger.lines 'text-long.txt' do sizes[#sizes + 1] = #line end
    same_list(sizes, { 600000, 600000, 0 })
  end)

  it('are found by patterns', function()
    local system = require('lugger.native').system
    system.make_dir 'text-dir/one'
    system.make_dir 'text-dir/two'
    for _, name in ipairs { 'one/a.bson', 'one/b.json', 'two/a.bson', 'two/.a.bson' } do
      lugger.write_file('text-dir/' .. name, 'x')
    end
    same_list(lugger.glob 'text-dir/*/a.bson', { 'text-dir/one/a.bson', 'text-dir/two/a.bson' })
    same_list(lugger.glob 'text-dir/t*/*', { 'text-dir/two/a.bson' })
    same_list(lugger.glob 'text-dir/one/[ab].?son', { 'text-dir/one/a.bson', 'text-dir/one/b.json' })
    same_list(lugger.glob 'text-dir/none', {})
    same_list(lugger.glob 'text-dir/one/a.bson/*', {})
    same_list(lugger.glob(system.cwd() .. '/text-dir/on*'), { system.cwd() .. '/text-dir/one' })
    raises('knows no **', lugger.glob, '**/a')
  end)
end)
