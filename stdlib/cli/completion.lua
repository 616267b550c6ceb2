-- lugger completion SHELL: completion of commands and flags, for a shell to read.
local flags = require 'lugger.inner.cli.flags'
local shell_completion = require 'lugger.inner.cli.shell_completion'
local terminal = require 'lugger.inner.view.terminal'

return {
  summary = 'Print the completion script of a shell: bash, zsh or fish.',
  arguments = { { 'shell', 'bash, zsh or fish' } },
  examples = { 'source <(lugger completion bash)', 'lugger completion zsh > ~/.zfunc/_lugger' },
  run = function(args)
    local make = shell_completion[args.shell]
    if not make then
      flags.usage_error(('there is no completion for "%s"'):format(args.shell), 'bash, zsh, fish')
    end
    terminal.out(make())
    return 0
  end,
}
