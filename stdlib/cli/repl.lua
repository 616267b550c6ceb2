-- lugger repl: the prompt.
return {
  summary = 'The Lua prompt: everything of lugger by name, history, completion.',
  examples = { 'lugger', "lugger -e 'source(\"dump/shop/users.bson\"):describe()'" },
  run = function()
    return require('lugger.inner.repl.repl').start()
  end,
}
