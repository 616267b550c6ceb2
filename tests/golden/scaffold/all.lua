-- lugger scaffold d39c608e4d8203f6 (of what follows: once it is edited, scaffold leaves the file alone)
-- Every collection: lugger run all.lua --create
return {
  require 'empty',
  require 'ids',
  require 'log',
  require 'users',
  require 'orders',
  require 'raw',
  require 'types',
}
