-- Regular expressions: the methods are those of Lua's string functions.
local check = require 'check'
local lugger = require 'lugger'
local equal, raises, same_list = check.equal, check.raises, check.same_list
local regex = lugger.regex

local function collected(iterator)
  local out = {}
  for a, b in iterator do out[#out + 1] = b and tostring(a) .. '=' .. tostring(b) or tostring(a) end
  return out
end

describe('a regular expression', function()
  it('matches and finds', function()
    local date = regex [[(\d{4})-(\d\d)]]
    equal(select('#', date:match 'on 2026-03-11'), 2)
    equal((date:match 'on 2026-03-11'), '2026')
    equal(select(2, date:match 'on 2026-03-11'), '03')
    equal(date:match 'none', nil)
    local first, last, year, month = date:find 'on 2026-03-11'
    same_list({ first, last, year, month }, { 4, 10, '2026', '03' })
    equal(date:test '2026-03', true)
    equal(date:test '2026', false)
    equal(regex 'a+':match 'baab', 'aa')
    same_list({ regex 'a+':find 'baab' }, { 2, 3 })
    same_list({ regex '':find 'x' }, { 1, 0 })
    equal(regex '^é$':test 'é', true)
  end)

  it('begins where it is told', function()
    equal(regex 'a.':match('abac', 2), 'ac')
    equal(regex 'a.':match('abac', -2), 'ac')
    equal(regex 'a.':match('abac', -99), 'ab')
    equal(regex '$':find('ab', 3), 3)
    equal(regex '':find('ab', 4), nil)
    equal(regex('b', 'i'):find('aB', 0), 2)
  end)

  it('begin where the text does, wherever the search begins', function()
    equal(regex '^a':find('ba', 2), nil)
    equal(regex '^a':match('ab', 1), 'a')
    equal(regex '^a':groups('ba', -1), nil)
    equal(regex('^a', 'm'):find('b\na', 2), 3)
    equal(regex('^a', 'm'):find('ba', 2), nil)
    equal(regex '\\Aa':find('ba', 2), nil)
    equal(regex '\\Ga':find('ba', 2), 2)
    equal(regex '\\Ga':find('bba', 2), nil)
    equal(regex '\\ba':find('ba', 2), nil)
    equal(regex '(?<=b)a':find('ba', 2), 2)
    equal(regex '$':find('ab', 3), 3)
  end)

  it('has groups by name', function()
    local date = regex [[(?<year>\d{4})-(?<month>\d\d)(?<day>-\d\d)?]]
    local found = date:groups 'on 2026-03.'
    equal(found[0], '2026-03')
    equal(found[1], '2026')
    equal(found.year, '2026')
    equal(found.month, '03')
    equal(found.day, nil)
    equal(date:groups 'none', nil)
    equal((regex '(a)|(b)':match 'b'), nil)
    equal(select(2, regex '(a)|(b)':match 'b'), 'b')
  end)

  it('goes over all matches', function()
    same_list(collected(regex [[\d+]]:gmatch '1, 22 and 333'), { '1', '22', '333' })
    same_list(collected(regex [[(\w)=(\w)]]:gmatch 'a=1 b=2'), { 'a=1', 'b=2' })
    same_list(collected(regex 'x*':gmatch 'axb'), { '', 'x', '', '' })
    same_list(collected(regex '':gmatch 'aé'), { '', '', '' })
    same_list(collected(regex '(a)|(b)':gmatch 'ab'), { 'a', 'false=b' })
    local outer = {}
    local words = regex [[\w+]]
    for word in words:gmatch 'one two' do
      for inner in words:gmatch(word .. ' x') do outer[#outer + 1] = inner end
    end
    same_list(outer, { 'one', 'x', 'two', 'x' })
  end)

  it('replaces', function()
    same_list({ regex [[\s+]]:gsub('a  b c', ' ') }, { 'a b c', 2 })
    same_list({ regex [[(\w)=(\w)]]:gsub('a=1 b=2', '%2:%1 %% %0') }, { '1:a % a=1 2:b % b=2', 2 })
    equal((regex [[(?<k>\w)=(?<v>\w)]]:gsub('a=1', '%{v}%{k}%{0}')), '1aa=1')
    equal((regex 'b':gsub('abc', '%1')), 'abc')
    equal((regex [[\w]]:gsub('abc', { a = 'A', b = false })), 'Abc')
    equal((regex [[(\w)(\w)?]]:gsub('abc', function(a, b) return (b or '-') .. a end)), 'ba-c')
    equal((regex [[\w]]:gsub('abc', function() return nil end)), 'abc')
    same_list({ regex 'a':gsub('aaa', 'b', 2) }, { 'bba', 2 })
    same_list({ regex 'a':gsub('aaa', 'b', 0) }, { 'aaa', 0 })
    same_list({ regex 'x*':gsub('abc', '-') }, { '-a-b-c-', 4 })
    same_list({ regex 'b*':gsub('abc', '-') }, { '-a--c-', 4 })
    equal((regex '':gsub('é', '.')), '.é.')
    raises('there is no "%2"', function() regex 'a':gsub('a', '%2') end)
    raises('there is no "%{x}"', function() regex 'a':gsub('a', '%{x}') end)
    raises('not by a table', function() regex 'a':gsub('a', function() return {} end) end)
    raises('not by nil', function() regex 'a':gsub('a') end)
  end)

  it('has flags', function()
    equal(regex('ÄPFEL', 'i'):test 'äpfel', true)
    equal(regex('^b$', 'm'):test 'a\nb', true)
    equal(regex('a.b', 's'):test 'a\nb', true)
    equal(regex('a b # both', 'x'):test 'ab', true)
    equal(tostring(regex('a', 'xi')), '/a/ix')
    equal(regex('a', 'xi') == regex('a', 'ix'), true)
    equal(regex 'a' == regex('a', 'i'), false)
    raises('has no flag "g"', regex, 'a', 'g')
    raises('flags of a regular expression are text', regex, 'a', 1)
  end)

  it('says what is wrong', function()
    raises('cannot be read: missing closing parenthesis, at byte 4', regex, 'a(b')
    raises('cannot be read from nil', regex)
    raises('regex:match takes text, not null', function() regex 'a':match(lugger.null) end)
    raises('call it with a colon', function() regex('a').match 'a' end)
    equal(regex '12':match(3125), '12')
    local slow = regex '^(a+)+$'
    raises('tried too many ways', function() slow:test(('a'):rep(60) .. 'b') end)
    equal(slow:test 'aaa', true)
  end)

  it('takes text that is not UTF-8', function()
    equal(regex 'f':match 'caf\233', 'f')
    equal(regex 'caf.':match 'caf\233', nil)
    equal((regex 'a':gsub('\255a\255', 'b')), '\255b\255')
    equal((regex 'x*':gsub('\255\255', '-')):len() > 2, true)
  end)

  it('finds what begins with a look ahead', function()
    for _, pattern in ipairs { '(?=a)b*a', '(?=a)b?a', '(?=a)[bc]*a', '(?=(a))b*?a' } do
      equal(regex(pattern):test 'ac', true)
    end
  end)

  it('is a value of documents', function()
    local doc = lugger.document { r = regex('^a', 'i'), s = 'x' }
    equal(lugger.json.encode(doc), '{"r":{"$regularExpression":{"pattern":"^a","options":"i"}},"s":"x"}')
    local read = lugger.json.decode '{"r":{"$regularExpression":{"pattern":"^a","options":"iu"}}}'
    local again = regex(read.r)
    equal(again.pattern, '^a')
    equal(again.flags, 'i')
    equal(again:test 'ABC', true)
  end)
end)
