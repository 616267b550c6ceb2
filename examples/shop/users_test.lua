-- The mapping of users.lua on sample documents, without a database:
--   lugger test users_test.lua
local lugger = require 'lugger'
local t = require 'lugger.test'

local users = t.job 'users.lua'
local ann = {
  _id = lugger.objectid '64f1c0a2b3c4d5e6f7a8b901', email = 'Ann@Example.com', age = '18',
  balance = lugger.decimal '12.5', address = { city = 'Berlin', zip = '10115' }, tags = { 'new', 'vip' },
  createdAt = '2026-01-05T10:00:00Z', nickname = 'annie',
}

t.case('texts that are numbers and dates are read as such', function()
  t.rows(users, { ann }):equals {
    { email = 'ann@example.com', age = 18, balance = '12.50', city = 'Berlin', created_at = '2026-01-05T10:00:00Z',
      rest = { nickname = 'annie' } },
  }
end)

t.case('each tag is a row', function()
  t.rows(users, { ann }, 'user_tags'):equals { { ordinal = 1, tag = 'new' }, { ordinal = 2, tag = 'vip' } }
end)

t.case('an age that is not a number is rejected', function()
  t.rejects(users, { { _id = 2, email = 'b@example.com', age = '12abc' } }):equals { { column = 'age' } }
end)
