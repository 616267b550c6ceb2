-- CSV as rows.
local check = require 'check'
local lugger = require 'lugger'
local equal, raises, same_list = check.equal, check.raises, check.same_list
local csv = lugger.csv

local function shown(iterator, names)
  local out = {}
  for row, line in iterator do
    local fields = { tostring(line) }
    for _, name in ipairs(names) do fields[#fields + 1] = row[name] == nil and 'nil' or '<' .. row[name] .. '>' end
    out[#out + 1] = table.concat(fields, ' ')
  end
  return out
end

describe('rows of CSV', function()
  it('have the names of the header', function()
    same_list(shown(csv.parse 'id,name\n1,"A, ""b"""\r\n2,\n3,""\n', { 'id', 'name' }),
      { '2 <1> <A, "b">', '3 <2> nil', '4 <3> <>' })
    same_list(shown(csv.parse '', { 'id' }), {})
    same_list(shown(csv.parse 'id\n', { 'id' }), {})
  end)

  it('have other names, delimiters, nulls', function()
    local text = 'id;name\n1;\\N\n2;\'x;y\'\n3;\n'
    local options = { delimiter = ';', quote = "'", null = '\\N', names = { 'a', 'b' } }
    same_list(shown(csv.parse(text, options), { 'a', 'b' }),
      { '2 <1> nil', '3 <2> <x;y>', '4 <3> <>' })
    same_list(shown(csv.parse('1,2\n3,\n', { header = false }), { 1, 2, 'n' }), { '1 <1> <2> <2>', '2 <3> nil <2>' })
    same_list(shown(csv.parse('1,2\n', { header = false, names = { 'x', 'y' } }), { 'x', 'y' }), { '1 <1> <2>' })
  end)

  it('come from files', function()
    lugger.write_file('csv-a.csv', '\239\187\191id,name\n1,"a\nb"\n')
    same_list(shown(csv.rows 'csv-a.csv', { 'id', 'name' }), { '2 <1> <a\nb>' })
    lugger.write_file('csv-a.tsv', 'id\tname\n1\ta,b\n')
    same_list(shown(csv.rows 'csv-a.tsv', { 'id', 'name' }), { '2 <1> <a,b>' })
    raises('csv-none.csv', csv.rows, 'csv-none.csv')
    raises('lugger.csv.parse(text) reads text', csv.rows, 'id\n1\n')
  end)

  it('are refused with their lines', function()
    raises('line 3, column 1: 1 field, and there should be 2', shown, csv.parse 'a,b\n1,2\n3\n', { 'a' })
    raises('line 2, column 3: the quote that begins here is not closed', shown, csv.parse 'a,b\n1,"2\n', { 'a' })
    raises('line 2, column 6: text behind a closing quote', shown, csv.parse 'a,b\n1,"2"3\n', { 'a' })
    raises('the header has the name "a" twice', shown, csv.parse 'a,a\n', { 'a' })
    raises('the header has no name for field 2', shown, csv.parse 'a,\n', { 'a' })
    raises('there are 1 names, and the header has 2', shown, csv.parse('a,b\n', { names = { 'x' } }), { 'x' })
    for _, part in ipairs { 'the header is one field: "a;b"', "say delimiter = ';', or ',' if it is one field" } do
      raises(part, shown, csv.parse 'a;b\n1;2\n', { 'a' })
    end
    same_list(shown(csv.parse('a;b\n1;2\n', { delimiter = ',' }), { 'a;b' }), { '2 <1;2>' })
    raises('lines end in CR alone', shown, csv.parse 'a\rb\rc', { 'a' })
    raises('delimiter cannot be "ab"', csv.parse, 'a', { delimiter = 'ab' })
    raises('same character', csv.parse, 'a', { delimiter = '"' })
    raises('did you mean delimiter', csv.parse, 'a', { delimeter = ';' })
  end)

  it('are written as they are read', function()
    equal(csv.encode { 1, 'a,b', 'say "x"', '', lugger.null, true, lugger.decimal '9.90' },
      '1,"a,b","say ""x""","",,true,9.90')
    equal(csv.encode({ b = 'y', a = 'x' }, { names = { 'a', 'b', 'c' } }), 'x,y,')
    equal(csv.encode({ 'a;b', n = 3 }, { delimiter = ';', null = 'NULL' }), '"a;b";NULL;NULL')
    equal(csv.encode { 0.1, 5, -0.5, 0 / 0, 1 / 0, 2 ^ 60, lugger.int64 '9007199254740993' },
      '0.1,5,-0.5,NaN,Infinity,1.152921504606847e+18,9007199254740993')
    equal(csv.encode({ 'NULL', '' }, { null = 'NULL' }), '"NULL",')
    raises('field 1 of a row is a table', csv.encode, { {} })
    raises('takes a row as a table', csv.encode, 'a')
    raises('cannot be written without quotes', csv.encode, { 'a,b' }, { quote = '' })
    local odd = { 'a\nb', '\r', '"', ',', ' ', 'é' }
    for row in csv.parse(csv.encode(odd), { header = false }) do same_list(row, odd) end
  end)
end)
