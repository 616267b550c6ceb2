-- lugger vector: what is done to columns of vectors, each a command of its own.
return {
  summary = 'Commands for vectors: may they be copied, and change the type of a column in use.',
  parts = {
    { 'decide', 'lugger.inner.vector.decide_command' },
    { 'change-type', 'lugger.inner.vector.change_type' },
  },
}
