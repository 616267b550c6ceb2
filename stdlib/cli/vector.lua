-- lugger vector: what is done to columns of vectors, each a command of its own.
return {
  summary = 'Commands for columns of vectors: change the type of one in use.',
  parts = {
    { 'change-type', 'lugger.inner.vector.change_type' },
  },
}
