-- The methods of documents as functions: a field of the same name stands in front of a method.
return require('lugger.inner.base.document').methods
