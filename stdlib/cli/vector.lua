-- lugger vector: what is done to columns of vectors, each a command of its own.
return {
  summary = 'Commands for vectors: may they be copied, change the type of a column in use, measure indexes.',
  parts = {
    { 'decide', 'lugger.inner.vector.decide_command' },
    { 'change-type', 'lugger.inner.vector.change_type' },
    { 'tune', 'lugger.inner.vector.tune' },
  },
}
