-- lugger scaffold c4451ca10493d29d (of what follows: once it is edited, scaffold leaves the file alone)
-- Every collection: lugger run migrate/all.lua --create
return {
  require 'empty',
  require 'ids',
  require 'log',
  require 'users',
  require 'orders',
  require 'raw',
  require 'types',
}
